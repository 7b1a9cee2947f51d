package loupe_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// kind is a kind of tap to intervene at.
type kind struct {
	tap     string
	heads   int  // an intervention may name one of these; 0: none
	keys    bool // (heads, queries, keys): scores or probabilities
	visible bool // of which a query sees those of its past only
}

// TestInterventions makes every operation at every kind of tap, in the prompt and at a generated token, for all rows and
// some, all heads and one: what the tap shows then is what the operation makes of what it showed before.
func TestInterventions(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 6})
	p := embeddedPrompt(t, m)
	n := len(p.IDs)
	text, vision := m.Config.Text, m.Config.Vision
	kinds := []kind{
		{tap: "pixel_values"},
		{tap: "visual.blocks.1.attn.q", heads: vision.NumHeads},
		{tap: "visual.blocks.0.attn.heads", heads: vision.NumHeads},
		{tap: "visual.blocks.0.attn.scores.0", heads: vision.NumHeads, keys: true},
		{tap: "visual.blocks.1.attn.probs.0", heads: vision.NumHeads, keys: true},
		{tap: "visual.merger"},
		{tap: "model.embed_tokens"},
		{tap: "model.layers.0.self_attn.v_proj", heads: text.NumKeyValueHeads},
		{tap: "model.layers.1.self_attn.heads", heads: text.NumAttentionHeads},
		{tap: "model.layers.1.self_attn.scores", heads: text.NumAttentionHeads, keys: true, visible: true},
		{tap: "model.layers.0.self_attn.probs", heads: text.NumAttentionHeads, keys: true, visible: true},
		{tap: "model.layers.0.mlp.act"},
		{tap: "model.layers.1.out"},
		{tap: "model.norm"},
		{tap: "lm_head"},
	}
	var taps []string
	for _, k := range kinds {
		taps = append(taps, k.tap)
	}
	o := loupe.TraceOptions{Taps: taps, Steps: 1, Generation: loupe.Generation{IgnoreEOS: true}}
	plain, err := m.Trace(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		before, _ := plain.Tap(k.tap)
		step, generated := plain.Tap("steps.1/" + k.tap)
		for op := tensor.Zero; op <= tensor.Mean; op++ {
			for _, rows := range [][]int{nil, {-1}, {2, 0, -3}, {n}} {
				for _, head := range []int{loupe.AllHeads, k.heads - 1} {
					if rows != nil && rows[0] == n && !generated || head < 0 && head != loupe.AllHeads || head == 0 && k.heads == 0 {
						continue
					}
					was, first := before, 0
					if rows != nil && rows[0] == n {
						was, first = step, n
					}
					iv := loupe.Intervention{Tap: k.tap, Op: op, Head: head, Rows: rows, Scale: 0.5}
					if op == tensor.Add || op == tensor.Set {
						iv.Value = k.value(was.Shape, head)
					}
					t.Run(fmt.Sprintf("%s %s rows %v head %d", op, k.tap, rows, head), func(t *testing.T) {
						got, err := m.Trace(context.Background(), p, o.With(iv))
						if err != nil {
							t.Fatal(err)
						}
						tap, ok := got.Tap(was.Name)
						if !ok {
							t.Fatalf("no tap %s", was.Name)
						}
						want := k.apply(iv, was, first)
						for i, v := range want {
							if math.Float32bits(tap.Data[i]) != math.Float32bits(v) {
								t.Fatalf("number %d is %v, was %v, want %v", i, tap.Data[i], was.Data[i], v)
							}
						}
						if changed := !slices.Equal(want, was.Data); changed == (got.Digest == plain.Digest) && !deadEnd(k, rows, n) {
							t.Errorf("the tap changes: %v; the logits change: %v", changed, got.Digest != plain.Digest)
						}
					})
				}
			}
		}
	}
}

// deadEnd reports whether what is changed may lead to no logit of a step: norm and logits of rows before the last, and what
// the steps after the last look at.
func deadEnd(k kind, rows []int, n int) bool {
	return k.tap == "model.norm" || k.tap == "lm_head" || k.tap == "pixel_values" || rows != nil && rows[0] == n
}

// value is one row that fits: a number for each column, or for each key.
func (k kind) value(shape []int, head int) []float32 {
	width := shape[len(shape)-1]
	if !k.keys && head >= 0 {
		width /= k.heads
	}
	out := make([]float32, width)
	for i := range out {
		out[i] = float32(i%7) / 8
	}
	return out
}

// apply is what iv makes of a tap whose first row is row first of the sequence: the operation as the contract words it,
// number by number.
func (k kind) apply(iv loupe.Intervention, tap loupe.Tap, first int) []float32 {
	out := slices.Clone(tap.Data)
	cols := tap.Shape[len(tap.Shape)-1]
	rows := tap.Shape[len(tap.Shape)-2]
	chosen := func(row int) bool {
		return iv.Rows == nil || slices.Contains(iv.Rows, first+row) || first == 0 && slices.Contains(iv.Rows, row-rows)
	}
	for at := range len(out) / cols {
		row, from, to := at%rows, 0, cols
		if !chosen(row) {
			continue
		}
		if k.keys {
			if iv.Head >= 0 && at/rows != iv.Head {
				continue
			}
			if k.visible {
				to = cols - rows + row + 1
			}
		} else if iv.Head >= 0 {
			from, to = iv.Head*cols/k.heads, (iv.Head+1)*cols/k.heads
		}
		var mean float32
		if k.keys {
			for _, v := range tap.Data[at*cols:][:to] {
				mean += v
			}
			mean /= float32(to)
		}
		for c := from; c < to; c++ {
			x := &out[at*cols+c]
			switch iv.Op {
			case tensor.Zero:
				*x = 0
			case tensor.Scale:
				*x *= iv.Scale
			case tensor.Add:
				*x += float32(iv.Scale * iv.Value[c-from])
			case tensor.Set:
				*x = iv.Value[c-from]
			case tensor.Mean:
				if !k.keys {
					mean = 0
					for r := range rows {
						mean += tap.Data[r*cols+c]
					}
					mean /= float32(rows)
				}
				*x = mean
			}
		}
	}
	return out
}

// TestPatchFromAnotherRun takes rows and a head of a whole tensor that another run showed, while tokens are generated.
func TestPatchFromAnotherRun(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := embeddedPrompt(t, m)
	names := []string{"model.layers.0.out", "model.layers.1.self_attn.heads", "model.layers.1.self_attn.probs"}
	steer := loupe.Intervention{Tap: "model.embed_tokens", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 1.5}
	other, err := m.Trace(context.Background(), p, loupe.Taps(names...).With(steer))
	if err != nil {
		t.Fatal(err)
	}
	o := loupe.TraceOptions{Taps: names, Steps: 2, Generation: loupe.Generation{IgnoreEOS: true}}
	for _, name := range names {
		from, _ := other.Tap(name)
		for _, head := range []int{loupe.AllHeads, 1} {
			if head >= 0 && name == "model.layers.0.out" {
				continue
			}
			iv := loupe.Intervention{Tap: name, Op: tensor.Set, Head: head, Rows: []int{-2, 5}, Value: from.Data}
			if len(from.Shape) == 2 {
				iv.Width = from.Shape[1]
			}
			got, err := m.Trace(context.Background(), p, o.With(iv))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			tap, _ := got.Tap(name)
			cols := tap.Shape[len(tap.Shape)-1]
			rows := tap.Shape[len(tap.Shape)-2]
			same := 0
			for at := range len(tap.Data) / cols {
				if slices.Equal(tap.Data[at*cols:][:cols], from.Data[at*cols:][:cols]) {
					same++
					if row := at % rows; row != rows-2 && row != 5 && row > 0 { // the first query sees one key alone
						t.Errorf("%s: row %d is taken", name, row)
					}
				}
			}
			if wantWhole := head < 0 || len(from.Shape) == 3; (same > 0) != wantWhole {
				t.Errorf("%s head %d: %d rows are those of the other run", name, head, same)
			}
		}
	}
}

// TestInterventionInOneStep changes one generated token's pass and no other.
func TestInterventionInOneStep(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := embeddedPrompt(t, m)
	o := loupe.TraceOptions{Taps: []string{"model.layers.0.out"}, Steps: 3, Generation: loupe.Generation{IgnoreEOS: true}}
	zero := loupe.Intervention{Tap: "steps.2/model.layers.0.out", Op: tensor.Zero, Head: loupe.AllHeads}
	got, err := m.Trace(context.Background(), p, o.With(zero))
	if err != nil {
		t.Fatal(err)
	}
	for _, tap := range got.Taps {
		if isZero := slices.Max(tap.Data) == 0 && slices.Min(tap.Data) == 0; isZero != (tap.Name == "steps.2/model.layers.0.out") {
			t.Errorf("%s is zero: %v", tap.Name, isZero)
		}
	}
	o.Steps = 1
	if _, err := m.Trace(context.Background(), p, o.With(zero)); err == nil || !strings.Contains(err.Error(), "steps.2/") {
		t.Errorf("a step that is not run: %v", err)
	}
}
