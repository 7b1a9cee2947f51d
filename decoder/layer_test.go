package decoder

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/reftest"
)

// shapesConfig is the configuration of the fixtures of testdata/layers.py: 4 heads of 8 columns in a decoder of 20.
var shapesConfig = weights.TextConfig{
	HiddenSize: 20, IntermediateSize: 28, NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 8, VocabSize: 24,
	MropeSection: []int{1, 1, 2}, RMSNormEps: 1e-6, RopeTheta: 500, MaxPositionEmbeddings: 64,
}

// kept are the taps that passed.
type kept map[string][]float32

func (kept) Edits(tensor.Point) []tensor.Edit { return nil }
func (kept) Wants(tensor.Point, []int) bool   { return true }
func (k kept) See(p tensor.Point, _ []int, data []float32) {
	k[p.String()] = append([]float32(nil), data...)
}

// TestLayerShapes holds decoders whose heads do not divide their width, with biases everywhere and nowhere, to transformers: each
// layer, the logits, and the gradients of attention. With a cache the last token has the same logits.
func TestLayerShapes(t *testing.T) {
	e, err := kernels.New(kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for name, family := range map[string]Family{
		"biases.safetensors": {QKVBias: true, OBias: true, Axes: Sections, Positions: RopeIndex},
		"plain.safetensors":  {Axes: Sections, Positions: RopeIndex},
	} {
		t.Run(name, func(t *testing.T) {
			f := reftest.Open(t, filepath.Join("testdata", name))
			p := weights.NewParams(f, cpu.New(e))
			m := Load(p, shapesConfig, &family)
			if err := p.Err(); err != nil {
				t.Fatal(err)
			}
			ids := f.Integers("ids")
			pos, _, err := family.Positions(len(ids), nil, 2)
			if err != nil {
				t.Fatal(err)
			}
			grads := map[string][]float32{}
			for _, l := range m.Layers[0].Linears()[:4] {
				l.WGrad = kernels.HostBuffer(make([]float32, l.W.Rows*l.W.Cols))
				grads["want.d/"+l.Name+".weight"] = l.WGrad.Host()
				if !l.Bias.None() {
					l.BiasGrad = kernels.HostBuffer(make([]float32, l.Bias.Len()))
					grads["want.d/"+l.Name+".bias"] = l.BiasGrad.Host()
				}
			}
			seen := kept{}
			r := tensor.NewRun(context.Background(), cpu.New(e), new(tensor.Arena), seen)
			r.Record(new(tensor.Tape))
			logits := m.Logits(r, m.Forward(r, m.EmbedTokens(r, ids, nil), pos, NoCache{}))
			last := slices.Clone(logits.Row(logits.Rows - 1))
			copy(logits.Grad.Host(), f.Find("toward").F32())
			r.Backward()
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			wanted := 0
			for _, x := range f.Tensors() {
				got, ok := grads[x.Name]
				if name, want := strings.CutPrefix(x.Name, "want."); want && !ok {
					got, ok = seen[name]
				}
				if ok {
					f.Near(t, x.Name, got)
					wanted++
				} else if strings.HasPrefix(x.Name, "want.") {
					t.Errorf("there is no %s", x.Name)
				}
			}
			if want := 5 + len(grads); wanted != want {
				t.Errorf("%d tensors are compared, want %d", wanted, want)
			}

			cache := m.NewCache()
			r = tensor.NewRun(context.Background(), cpu.New(e), new(tensor.Arena), nil)
			var h tensor.Tensor
			for i, id := range ids {
				r.FirstRow = i
				h = m.Logits(r, m.Forward(r, m.EmbedTokens(r, []int{id}, nil), pos.Slice(i, i+1), cache))
			}
			if err := r.Err(); err != nil || !slices.Equal(h.Row(0), last) {
				t.Errorf("token by token the last logits are others: %v", err)
			}
		})
	}
}
