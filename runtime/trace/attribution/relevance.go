package attribution

import (
	"context"
	"fmt"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// relevance is the relevancy of Chefer, Gur and Wolf ("Generic Attention-model Explainability", arXiv 2103.15679),
// propagated from the target through both towers. A layer of self-attention maps R to R + R·W, where W is the mean over
// heads of the positive part of attention times its gradient (their equations 5 and 6). Only the row of R that the target
// reads is kept, from the last layer to the first.
//
// Where there is no attention, the weights of a sum take its place in the same rule:
//
//   - a logit starts from the token that it comes after, and so does a score whose head reads the last row alone; a score that
//     is read from a mean starts from all rows of it, each with the positive part of activation times gradient. A head that reads
//     visual.blocks.N.out starts there, and the blocks above it have no part;
//   - at the merger a token's relevance is divided among the patches that it is made of, by the positive part of activation
//     times gradient at visual.merger.ln_q, or evenly where no patch has any.
func relevance(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	c := &propagation{m: m, p: p, runs: passes(p), score: o.Target.Score, block: lastBlock(m, *o.Target), got: taps{}}
	c.tokens, c.patches = make([][]float64, len(c.runs)), make([][]float64, len(c.runs))
	if c.score {
		c.input = m.Head.Config.Input.Tap()
		_, c.fromBlock = m.Head.Config.Input.Block()
	}
	if !c.score {
		row, err := targetRow(p, *o.Target)
		if err != nil {
			return nil, err
		}
		c.positions = only(row, len(p.IDs))
	}
	options := loupe.TraceOptions{Taps: c.names(), Grad: o.Target, Parts: c.part}
	if _, err := m.Trace(ctx, p, options); err != nil {
		return nil, err
	}
	out := newMap(p, m.Config.Vision.SpatialMergeSize, 1, c.patches)
	out.Unit = "relevance"
	if c.positions != nil {
		_, out.Elsewhere = atPictures(p, c.positions)
	}
	return out, nil
}

// propagation carries relevance from the target to the patches, from the last layer to the first, as the gradients come. It
// takes taps in parts, so that at most some heads of one layer's attention are in memory.
type propagation struct {
	m     *loupe.Model
	p     *loupe.Prompt
	runs  []pass
	score bool
	input string // the tap that the score head reads; "" for a logit
	// fromBlock says that the target is a score whose head reads a block of the tower.
	fromBlock bool
	block     int  // the last of the tower that the target depends on
	got       taps // values of the forward pass

	whole []float32 // what has come of a tap that is read whole
	added []float64 // what has come of the heads of a layer

	positions       []float64   // of the prompt; nil where the decoder has no part in the target
	tokens, patches [][]float64 // of each pass
}

// throughDecoder reports whether the target depends on the decoder.
func (c *propagation) throughDecoder() bool { return !c.score || !readsTower(c.m) }

// names are the taps to look at.
func (c *propagation) names() []string {
	var layers []int
	if c.throughDecoder() {
		layers = upTo(c.m.Config.Text.NumHiddenLayers)
	}
	blocks := upTo(c.block + 1)
	names := attentionNames(c.p, layers, blocks)
	for _, l := range layers {
		names = append(names, fmt.Sprintf("model.layers.%d.self_attn.probs", l))
	}
	for _, b := range blocks {
		names = append(names, fmt.Sprintf("visual.blocks.%d.attn.probs", b))
	}
	for _, run := range c.runs {
		if !c.fromBlock {
			names = append(names, "visual.merger.ln_q"+run.suffix)
		}
		if c.score && readsTower(c.m) {
			names = append(names, c.input+run.suffix)
		}
	}
	if c.score && !readsTower(c.m) {
		names = append(names, c.input)
	}
	return names
}

// part takes every part of a tap: of values first, then of gradients.
func (c *propagation) part(t loupe.Part) error {
	name, gradient := strings.CutPrefix(t.Name, "d/")
	switch attention := strings.Contains(name, ".probs"); {
	case attention && !gradient: // computed again, a head at a time
		return nil
	case attention:
		return c.throughHeads(name, t)
	case t.At == 0:
		c.whole = c.whole[:0:0]
	}
	c.whole = append(c.whole, t.Data...)
	if len(c.whole) < t.Shape[0]*t.Shape[1] {
		return nil
	}
	if !gradient {
		c.got[name] = loupe.Tap{Name: name, Shape: t.Shape, Data: c.whole}
		return nil
	}
	return c.see(name, loupe.Tap{Name: t.Name, Shape: t.Shape, Data: c.whole})
}

// throughHeads propagates relevance through heads of a layer's attention, and after the last of them through the layer.
func (c *propagation) throughHeads(name string, t loupe.Part) error {
	a, of, rows, err := c.layer(name)
	if err != nil {
		return err
	}
	r := of
	if rows != nil {
		r = gather(of, rows)
	}
	if t.At == 0 {
		c.added = make([]float64, len(r))
	}
	size := t.Shape[1] * t.Shape[2]
	for at := 0; at < len(t.Data); at += size {
		a.propagateHead(c.added, r, (t.At+at)/size, t.Data[at:at+size], t.Shape[0])
	}
	if t.At+len(t.Data) == t.Shape[0]*size {
		for i, v := range c.added {
			r[i] += v
		}
		if rows != nil {
			scatter(of, rows, r)
		}
	}
	return nil
}

// layer is the attention that a tap of probabilities is of, and the relevance of what it is among: of its rows, where these are not
// nil, else of all.
func (c *propagation) layer(name string) (a *attention, of []float64, rows []int, err error) {
	if layer, ok := number("model.layers.*.self_attn.probs", name); ok {
		return c.got.decoderLayer(c.m, layer), c.positions, nil, nil
	}
	var block, index int
	if _, err := fmt.Sscanf(name, "visual.blocks.%d.attn.probs.%d", &block, &index); err != nil {
		return nil, nil, nil, fmt.Errorf("tap %s has a name that cannot be read: %w", name, err)
	}
	for n, run := range c.runs {
		within := run.segments(c.m, block)
		for i, part := range within.Parts {
			if part.Index == index {
				rows := within.Rows(i)
				return c.got.towerBlock(c.m, block, run.suffix).among(rows), c.patches[n], rows, nil
			}
		}
	}
	return nil, nil, nil, fmt.Errorf("tap %s is of no picture of the prompt", name)
}

// see takes a gradient of anything but attention.
func (c *propagation) see(name string, t loupe.Tap) error {
	if c.score && !readsTower(c.m) && name == c.input {
		c.positions = c.start(name, t, true)
		return nil
	}
	for n, run := range c.runs {
		last := n == len(c.runs)-1
		switch {
		case name == c.input+run.suffix && c.fromBlock:
			c.patches[n] = c.start(name, t, last)
		case name == c.input+run.suffix:
			c.tokens[n] = c.start(name, t, last)
		case name == "visual.merger.ln_q"+run.suffix:
			c.throughMerger(n, rowDots(c.got[name], t))
		}
	}
	return nil
}

// start is the relevance of the rows that the score head reads: the positive part of activation times gradient, or 1 for
// the last row if the head reads only that. last: that row is among these rows.
func (c *propagation) start(name string, grad loupe.Tap, last bool) []float64 {
	rows := grad.Shape[0]
	switch {
	case c.m.Head.Config.Pool != weights.PoolLast:
		return positive(rowDots(c.got[name], grad))
	case last:
		return only(rows-1, rows)
	}
	return make([]float64, rows)
}

// throughMerger divides the relevance of a pass's tokens among its patches.
func (c *propagation) throughMerger(n int, dots []float64) {
	tokens := c.tokens[n]
	if tokens == nil {
		for _, at := range c.runs[n].At {
			tokens = append(tokens, c.positions[at])
		}
	}
	c.patches[n] = divide(tokens, dots)
}

// divide distributes each token's number among its patches, which follow one another, in proportion to the positive part of
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
