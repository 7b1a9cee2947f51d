package lens

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights/option"
)

// Word is a token with its probability, logit or cosine.
type Word struct {
	ID   int     `json:"id"`
	Text string  `json:"text"`
	Prob float64 `json:"prob,omitempty"` // softmax over the vocabulary
	// Value is the logit, or the cosine.
	Value float64 `json:"value"`
}

// LogitOptions say which positions and layers the logit lens reads. The zero value is the last position in every layer.
type LogitOptions struct {
	Positions []int // of the prompt, negative from the end; nil: the last
	Layers    []int // Input is -1; nil: all, the input first
	Top       int   // likeliest words of each; 0: 5
	Follow    *int  // a token to follow through the layers; nil: the likeliest at the last layer
}

// LogitLens is what the model would predict if it ended after each layer (nostalgebraist, "interpreting GPT: the logit
// lens", 2020): the final norm and lm_head over it.
type LogitLens struct {
	Rows []LogitRow `json:"rows"`
}

// LogitRow is a position of the prompt: the words of each layer.
type LogitRow struct {
	Position int          `json:"position"`
	Token    Word         `json:"token"`    // what stands there
	Followed Word         `json:"followed"` // the token whose probability and rank each layer tells
	Layers   []LogitLayer `json:"layers"`
}

// LogitLayer is one layer at a position.
type LogitLayer struct {
	Layer   int     `json:"layer"`   // -1 is what goes into the first
	Words   []Word  `json:"words"`   // the likeliest first
	Prob    float64 `json:"prob"`    // of the followed token
	Rank    int     `json:"rank"`    // how many words are likelier than it
	Entropy float64 `json:"entropy"` // of the words, in nats
}

// Logit applies the logit lens to positions of a prompt, which may be those of pictures. At the last layer it gives the
// model's own logits, bit for bit.
func Logit(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o LogitOptions) (*LogitLens, error) {
	layers, err := chosenLayers(m, o.Layers)
	if err != nil {
		return nil, err
	}
	rows, err := chosenRows(p, o.Positions)
	if err != nil {
		return nil, err
	}
	top := o.Top
	if top == 0 {
		top = 5
	}
	if vocab := m.Config.Text.VocabSize; top < 0 || top > vocab {
		return nil, &option.Error{Field: "lens.LogitOptions.Top", Value: top, Want: fmt.Sprintf("give a number from 1 to %d, the words of the vocabulary", vocab)}
	}
	if err := checkToken(m, o.Follow); err != nil {
		return nil, err
	}
	last := m.Config.Text.NumHiddenLayers - 1
	kept, err := readResidual(ctx, m, p, with(layers, last), rows)
	if err != nil {
		return nil, err
	}
	out := &LogitLens{Rows: make([]LogitRow, len(rows))}
	err = eachLogits(ctx, m, kept[last], func(i int, logits []float32) {
		token := tokenOr(o.Follow, num.ArgMax(logits))
		out.Rows[i] = LogitRow{Position: rows[i], Token: word(m, p.IDs[rows[i]], 0), Followed: word(m, token, float64(logits[token]))}
	})
	for _, l := range layers {
		if err == nil {
			err = eachLogits(ctx, m, kept[l], func(i int, logits []float32) {
				out.Rows[i].Layers = append(out.Rows[i].Layers, layerOf(m, l, logits, top, out.Rows[i].Followed.ID))
			})
		}
	}
	return out, err
}

// with is a list that holds layer.
func with(layers []int, layer int) []int {
	if slices.Contains(layers, layer) {
		return layers
	}
	return append(slices.Clone(layers), layer)
}

// lensRows is how many rows have their logits computed together.
const lensRows = 32

// eachLogits calls f with the logits of each row of a residual stream.
func eachLogits(ctx context.Context, m *loupe.Model, x tensor.Tensor, f func(i int, logits []float32)) error {
	for lo := 0; lo < x.Rows; lo += lensRows {
		r := m.NewRunAt(ctx, "model.norm", nil)
		part := x.Slice(lo, min(lo+lensRows, x.Rows))
		logits := r.Host(m.Decoder.Logits(r, r.RMSNorm(r.Upload(part), m.Decoder.Norm)))
		if err := r.Err(); err != nil {
			return err
		}
		for i := range part.Rows {
			f(lo+i, logits.Row(i))
		}
	}
	return nil
}

// layerOf summarizes the logits of a layer.
func layerOf(m *loupe.Model, layer int, logits []float32, top, followed int) LogitLayer {
	highest := float64(logits[num.ArgMax(logits)])
	total, weighed := 0.0, 0.0 // Σ e^(x-highest), and with x-highest as a weight
	out := LogitLayer{Layer: layer}
	for _, v := range logits {
		d := float64(v) - highest
		e := math.Exp(d)
		total += e
		weighed += float64(e * d)
		if v > logits[followed] {
			out.Rank++
		}
	}
	prob := func(id int) float64 { return math.Exp(float64(logits[id])-highest) / total }
	for _, id := range largest(logits, top) {
		w := word(m, id, float64(logits[id]))
		w.Prob = prob(id)
		out.Words = append(out.Words, w)
	}
	out.Prob = prob(followed)
	out.Entropy = math.Log(total) - weighed/total
	return out
}

// word is a token with its text.
func word(m *loupe.Model, id int, value float64) Word {
	return Word{ID: id, Text: m.Tokenizer.DecodeLossy([]int{id}), Value: value}
}

// largest lists the indices of the n largest numbers, the largest first, of equal ones the first.
func largest(x []float32, n int) []int {
	best := make([]int, 0, n+1)
	for i, v := range x {
		if len(best) == n && v <= x[best[n-1]] {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, v, func(j int, v float32) int {
			if x[j] >= v {
				return -1
			}
			return 1
		})
		best = slices.Insert(best, at, i)
		best = best[:min(len(best), n)]
	}
	return best
}

// checkToken is an error for a token that is not in the vocabulary; nil is none.
func checkToken(m *loupe.Model, token *int) error {
	if vocab := m.Config.Text.VocabSize; token != nil && (*token < 0 || *token >= vocab) {
		return fmt.Errorf("token %d: the vocabulary has %d, numbered from 0", *token, vocab)
	}
	return nil
}

// tokenOr is the token, or other where it is nil.
func tokenOr(token *int, other int) int {
	if token != nil {
		return *token
	}
	return other
}
