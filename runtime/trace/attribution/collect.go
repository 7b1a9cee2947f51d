package attribution

import (
	"context"
	"fmt"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

// taps are what a run showed, by name.
type taps map[string]loupe.Tap

// collect runs the prompt once and keeps the named taps, and with a target their gradients.
func collect(ctx context.Context, m *loupe.Model, p *loupe.Prompt, target *loupe.GradTarget, names ...string) (taps, error) {
	got := taps{}
	o := loupe.TraceOptions{Taps: names, Grad: target}
	_, err := m.Trace(ctx, p, o, func(t loupe.Tap) error { got[t.Name] = t; return nil })
	for _, name := range names {
		if _, ok := got["d/"+name]; err == nil && target != nil && !ok {
			return nil, fmt.Errorf("%s does not depend on %s", targetName(*target), name)
		}
	}
	return got, err
}

// decoderAttention names the taps of queries and keys of a layer of the decoder.
func decoderAttention(layer int) (q, k string) {
	at := fmt.Sprintf("model.layers.%d.self_attn.", layer)
	return at + "q", at + "k"
}

// towerAttention names those of a block of the vision tower.
func towerAttention(block int, suffix string) (q, k string) {
	at := fmt.Sprintf("visual.blocks.%d.attn.", block)
	return at + "q" + suffix, at + "k" + suffix
}

// decoderLayer is the attention of a layer of the decoder.
func (t taps) decoderLayer(m *loupe.Model, layer int) *attention {
	q, k := decoderAttention(layer)
	cfg := m.Config.Text
	return newAttention(m.Engine("probabilities of attention for its maps"), t[q], t[k], cfg.NumAttentionHeads, cfg.NumKeyValueHeads, true)
}

// towerBlock is the attention of a block of the vision tower over the patches of a pass.
func (t taps) towerBlock(m *loupe.Model, block int, suffix string) *attention {
	q, k := towerAttention(block, suffix)
	heads := m.Config.Vision.NumHeads
	return newAttention(m.Engine("probabilities of attention for its maps"), t[q], t[k], heads, heads, false)
}

// attentionNames names the queries and keys of layers of the decoder, and of blocks of the tower.
func attentionNames(p *loupe.Prompt, layers, blocks []int) []string {
	var names []string
	for _, i := range layers {
		q, k := decoderAttention(i)
		names = append(names, q, k)
	}
	for _, run := range passes(p) {
		for _, i := range blocks {
			q, k := towerAttention(i, run.suffix)
			names = append(names, q, k)
		}
	}
	return names
}

// segments are the rows that attend to each other in a block of the tower, as the model has them.
func (v pass) segments(m *loupe.Model, block int) vit.Segments {
	return m.Tower.Segments(block, v.Grids, v.earlier)
}

// overSegments calls f for the attention of each segment of a block with its rows' part of r, and puts what it returns in their
// places.
func (v pass) overSegments(m *loupe.Model, got taps, block int, r []float64, f func(a *attention, r []float64) []float64) []float64 {
	whole, within := got.towerBlock(m, block, v.suffix), v.segments(m, block)
	out := make([]float64, len(r))
	for i := range within.Parts {
		rows := within.Rows(i)
		scatter(out, rows, f(whole.among(rows), gather(r, rows)))
	}
	return out
}

// gather are the numbers of some rows.
func gather(r []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, row := range rows {
		out[i] = r[row]
	}
	return out
}

// scatter puts numbers in the places of their rows.
func scatter(to []float64, rows []int, r []float64) {
	for i, row := range rows {
		to[row] = r[i]
	}
}

// atPictures splits weights of the positions of a prompt into those of the pictures, a list for each pass, and the sum of
// the others.
func atPictures(p *loupe.Prompt, r []float64) (pictures [][]float64, elsewhere float64) {
	picture := make([]bool, len(r))
	for _, run := range passes(p) {
		values := make([]float64, len(run.At))
		for i, at := range run.At {
			values[i], picture[at] = r[at], true
		}
		pictures = append(pictures, values)
	}
	for i, v := range r {
		if !picture[i] {
			elsewhere += v
		}
	}
	return pictures, elsewhere
}

// number is the number in the place of * in a name that matches glob; ok is false for other names.
func number(glob, name string) (n int, ok bool) {
	head, tail, _ := strings.Cut(glob, "*")
	middle, ok := strings.CutPrefix(name, head)
	if !ok {
		return 0, false
	}
	if middle, ok = strings.CutSuffix(middle, tail); !ok || middle == "" {
		return 0, false
	}
	for _, c := range middle {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}
