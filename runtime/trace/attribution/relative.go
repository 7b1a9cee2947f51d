package attribution

import (
	"context"
	"fmt"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/tokenizer"
)

// GenericQuestion is the question that relative attention compares with, as in its paper.
const GenericQuestion = "Write a general description of the image."

// relative is relative attention (Zhang, Khayatan, Shukor and others, "MLLMs Know Where to Look", arXiv 2502.17422): in
// each layer the mean over heads of the attention of the prompt's last token to each merged token, divided by the same for
// a generic question about the same pictures; then the mean over the chosen layers. The paper takes one layer. A cell that
// both questions attend to alike has 1. Another token than the last is compared with its counterpart.
func relative(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	if o.Generic == nil {
		return nil, fmt.Errorf("a prompt with a generic question about the same pictures is missing")
	}
	if err := samePictures(p, o.Generic); err != nil {
		return nil, err
	}
	layers, rows, err := rawLayers(ctx, m, p, o)
	if err != nil {
		return nil, err
	}
	at, err := counterpart(p, o.Generic, o.Query)
	if err != nil {
		return nil, err
	}
	o.Query = &at
	_, generic, err := rawLayers(ctx, m, o.Generic, o)
	if err != nil {
		return nil, err
	}
	var ratios [][][]float64 // of each layer, pass and token
	for l := range layers {
		of, _ := atPictures(p, rows[l])
		over, _ := atPictures(o.Generic, generic[l])
		for n := range of {
			for i := range of[n] {
				if over[n][i] == 0 && of[n][i] == 0 {
					return nil, fmt.Errorf("the query stands before token %d of the pictures and cannot see it, so that there is nothing to compare; follow a token behind the pictures", i)
				}
				if over[n][i] == 0 {
					return nil, fmt.Errorf("layer %d: the generic question does not look at token %d of the pictures at all, so that nothing can be compared with it", layers[l], i)
				}
				of[n][i] /= over[n][i]
			}
		}
		ratios = append(ratios, of)
	}
	var values [][]float64
	for n := range passes(p) {
		var each [][]float64
		for l := range layers {
			each = append(each, ratios[l][n])
		}
		values = append(values, mean(each, len(layers)))
	}
	merge := m.Config.Vision.SpatialMergeSize
	out := newMap(p, merge, merge, values)
	out.Unit = "times the attention for a generic question"
	return out, nil
}

// counterpart is the position of the generic prompt that a query of the prompt is compared with: the same token at the same
// distance from the beginning or from the end. A token of the question has none, unless the generic question has the same
// token there.
func counterpart(p, generic *loupe.Prompt, query *int) (int, error) {
	n, m := len(p.IDs), len(generic.IDs)
	at, err := Options{Query: query}.query(p)
	if err != nil {
		return 0, err
	}
	end := at - n + m // as far from the end
	same := func(i int) bool { return i >= 0 && i < m && generic.IDs[i] == p.IDs[at] }
	begins := at
	for i := range min(at+1, m) {
		if p.IDs[i] != generic.IDs[i] {
			begins = -1
		}
	}
	switch {
	case query == nil:
		return m - 1, nil
	case begins >= 0 && same(begins):
		return begins, nil
	case same(end):
		return end, nil
	}
	return 0, fmt.Errorf("query %d is a token of the question, and the generic question has another in its place; follow a token that both prompts have, such as those behind the question (from %d on)", *query, n-commonEnd(p.IDs, generic.IDs))
}

// commonEnd is how many numbers at the end are the same.
func commonEnd(a, b []int) int {
	k := 0
	for k < min(len(a), len(b)) && a[len(a)-1-k] == b[len(b)-1-k] {
		k++
	}
	return k
}

// samePictures is an error unless two prompts have pictures of the same grids.
func samePictures(p, q *loupe.Prompt) error {
	a, b := passes(p), passes(q)
	same := len(a) == len(b)
	for i := 0; same && i < len(a); i++ {
		same = a[i].kind == b[i].kind && fmt.Sprint(a[i].Grids) == fmt.Sprint(b[i].Grids)
	}
	if !same {
		return fmt.Errorf("the generic prompt has other pictures than the prompt")
	}
	return nil
}

// WithQuestion is a conversation with another question about the same pictures: text replaces the text of the user's last
// message.
func WithQuestion(in loupe.Input, text string) loupe.Input {
	in.Messages = slices.Clone(in.Messages)
	for i, msg := range slices.Backward(in.Messages) {
		if msg.Role != "user" {
			continue
		}
		if msg.Parts == nil {
			in.Messages[i].Text = text
			break
		}
		parts := slices.DeleteFunc(slices.Clone(msg.Parts), func(p tokenizer.Part) bool { return p.Type == tokenizer.TextPart })
		in.Messages[i].Parts = append(parts, tokenizer.Part{Type: tokenizer.TextPart, Text: text})
		break
	}
	return in
}
