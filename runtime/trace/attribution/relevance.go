package attribution

import (
	"context"
	"fmt"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// relevance is the relevancy of Chefer, Gur and Wolf ("Generic Attention-model Explainability", arXiv 2103.15679), carried
// from the target through both towers. A layer of self-attention is R + R·W, with W the mean over heads of the positive part
// of attention times its gradient (their equations 5 and 6). Of R the row that the target reads is carried, from the last
// layer to the first.
//
// Where there is no attention the same rule is used, attention being what numbers are weighed by:
//
//   - a logit starts from the token that it comes after; a score from the rows that its mean is of, each with the positive part of
//     activation times gradient;
//   - at the merger a token's relevance is divided among the patches that it is made of, by the positive part of activation
//     times gradient at visual.merger.ln_q, or evenly where no patch has any.
func relevance(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	c := &carrier{m: m, p: p, runs: passes(p), score: o.Target.Score, got: taps{}}
	c.tokens, c.patches = make([][]float64, len(c.runs)), make([][]float64, len(c.runs))
	if !c.score {
		row, err := targetRow(p, *o.Target)
		if err != nil {
			return nil, err
		}
		c.positions = only(row, len(p.IDs))
	}
	options := loupe.TraceOptions{Taps: c.names(), Grad: o.Target}
	if _, err := m.Trace(ctx, p, options, c.see); err != nil {
		return nil, err
	}
	out := newMap(p, m.Config.Vision.SpatialMergeSize, 1, c.patches)
	out.Unit = "relevance"
	if c.positions != nil {
		_, out.Elsewhere = atPictures(p, c.positions)
	}
	return out, nil
}

// carrier takes relevance from the target to the patches, as the gradients come: from the last layer to the first.
type carrier struct {
	m     *loupe.Model
	p     *loupe.Prompt
	runs  []pass
	score bool
	got   taps // values of the forward pass

	positions       []float64   // of the prompt; nil where the decoder has no part in the target
	tokens, patches [][]float64 // of each pass
}

// throughDecoder reports whether the target is read behind the decoder.
func (c *carrier) throughDecoder() bool { return !c.score || !readsTower(c.m) }

// names are the taps to look at.
func (c *carrier) names() []string {
	var layers []int
	if c.throughDecoder() {
		layers = upTo(c.m.Config.Text.NumHiddenLayers)
	}
	names := attentionNames(c.p, layers, upTo(c.m.Config.Vision.Depth))
	for _, l := range layers {
		names = append(names, fmt.Sprintf("model.layers.%d.self_attn.probs", l))
	}
	for b := range c.m.Config.Vision.Depth {
		names = append(names, fmt.Sprintf("visual.blocks.%d.attn.probs", b))
	}
	for _, run := range c.runs {
		names = append(names, "visual.merger.ln_q"+run.suffix)
		if c.score && c.m.Head.Config.Input == "visual.merger" {
			names = append(names, "visual.merger"+run.suffix)
		}
	}
	if c.score && c.m.Head.Config.Input == "model.norm" {
		names = append(names, "model.norm")
	}
	return names
}

// see is told of every tap: of values first, then of gradients.
func (c *carrier) see(t loupe.Tap) error {
	name, gradient := strings.CutPrefix(t.Name, "d/")
	if !gradient {
		if !strings.Contains(name, ".probs") { // these are computed again, a layer at a time
			c.got[name] = t
		}
		return nil
	}
	if layer, ok := number("model.layers.*.self_attn.probs", name); ok {
		c.positions = plus(c.positions, c.got.decoderLayer(c.m, layer).follow(c.positions, nil, t.Data))
		return nil
	}
	if rest, ok := strings.CutPrefix(name, "visual.blocks."); ok && strings.Contains(rest, ".attn.probs.") {
		var block, span int
		if _, err := fmt.Sscanf(rest, "%d.attn.probs.%d", &block, &span); err != nil {
			return fmt.Errorf("tap %s has a name that cannot be read: %w", t.Name, err)
		}
		c.throughSpan(block, span, t.Data)
		return nil
	}
	if name == "model.norm" {
		c.positions = positive(rowDots(c.got[name], t))
		if c.m.Head.Config.Pool == "last" {
			c.positions = only(len(c.p.IDs)-1, len(c.p.IDs))
		}
		return nil
	}
	for n, run := range c.runs {
		switch name {
		case "visual.merger" + run.suffix:
			if c.score && readsTower(c.m) {
				c.tokens[n] = positive(rowDots(c.got[name], t))
			}
		case "visual.merger.ln_q" + run.suffix:
			c.throughMerger(n, rowDots(c.got[name], t))
		}
	}
	return nil
}

// throughMerger divides the relevance of a pass's tokens among its patches.
func (c *carrier) throughMerger(n int, dots []float64) {
	tokens := c.tokens[n]
	if tokens == nil {
		for _, at := range c.runs[n].At {
			tokens = append(tokens, c.positions[at])
		}
	}
	c.patches[n] = divide(tokens, dots)
}

// divide gives each token's number to the patches that it is made of, which lie one after the other, by the positive part of
// their weights.
func divide(tokens, weights []float64) []float64 {
	out := make([]float64, len(weights))
	per := len(weights) / len(tokens)
	for t, v := range tokens {
		w, sum := positive(weights[t*per:(t+1)*per]), 0.0
		for _, x := range w {
			sum += x
		}
		for i, x := range w {
			if sum > 0 {
				out[t*per+i] = float64(v * x / sum)
			} else {
				out[t*per+i] = v / float64(per)
			}
		}
	}
	return out
}

// throughSpan carries the patches of one frame through a block.
func (c *carrier) throughSpan(block, span int, grad []float32) {
	for n, run := range c.runs {
		spans := run.spans()
		i := span - run.firstSpan
		if i < 0 || i >= len(spans) {
			continue
		}
		lo, hi := spans[i][0], spans[i][1]
		r := c.patches[n][lo:hi]
		a := c.got.towerBlock(c.m, block, run.suffix).span(lo, hi)
		copy(r, plus(r, a.follow(r, nil, grad)))
	}
}

// rowDots is the dot product of each row of x with that of its gradient.
func rowDots(x, grad loupe.Tap) []float64 {
	out := make([]float64, x.Shape[0])
	cols := x.Shape[1]
	for i := range out {
		for c, v := range x.Data[i*cols:][:cols] {
			out[i] += float64(float64(v) * float64(grad.Data[i*cols+c]))
		}
	}
	return out
}

// positive is max(0, x).
func positive(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = max(0, v)
	}
	return out
}

// plus is a + b.
func plus(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range out {
		out[i] = a[i] + b[i]
	}
	return out
}
