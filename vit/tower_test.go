package vit

import (
	"context"
	"fmt"
	"math"
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

// reference is a fixture of testdata/towers.py: weights, pixels, and what transformers' tower makes of them.
type reference struct {
	*reftest.File
	grids []Grid
}

func openReference(t *testing.T, name string) *reference {
	t.Helper()
	f := &reference{File: reftest.Open(t, filepath.Join("testdata", name))}
	for g := range slices.Chunk(f.Integers("grids"), 3) {
		f.grids = append(f.grids, Grid(g))
	}
	return f
}

// seen keeps what passes, and what is asked for of its gradients.
type seen struct {
	values, grads map[string][]float32
	edits         map[string]tensor.Edit
}

func newSeen() *seen {
	return &seen{values: map[string][]float32{}, grads: map[string][]float32{}, edits: map[string]tensor.Edit{}}
}

func (s *seen) Edits(p tensor.Point) []tensor.Edit {
	if e, ok := s.edits[p.String()]; ok {
		return []tensor.Edit{e}
	}
	return nil
}
func (s *seen) Wants(tensor.Point, []int) bool { return true }
func (s *seen) See(p tensor.Point, _ []int, data []float32) {
	s.values[p.String()] = append([]float32(nil), data...)
}
func (s *seen) WantsGrad(tensor.Point, []int) bool { return true }
func (s *seen) SeeGrad(p tensor.Point, _ []int, data []float32) {
	s.grads[p.String()] = append([]float32(nil), data...)
}

// result is a run of a tower over the pixels of a fixture, forward and backward from the direction that the fixture has.
type result struct {
	*seen
	merged []float32
	qkv    [][]float32 // gradients of the weights of each block's first map
}

func (f *reference) run(t *testing.T, tower *Tower, hooks tensor.Hooks) result {
	t.Helper()
	return f.runTaping(t, tower, hooks, &tensor.Tape{All: true})
}

func (f *reference) runTaping(t *testing.T, tower *Tower, hooks tensor.Hooks, tape *tensor.Tape) result {
	t.Helper()
	engine, err := kernels.New(kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	var out result
	for _, l := range tower.Linears() {
		if strings.HasSuffix(l.Name, "attn.qkv") {
			l.WGrad = kernels.HostBuffer(make([]float32, l.W.Rows*l.W.Cols))
			out.qkv = append(out.qkv, l.WGrad.Host())
		}
	}
	r := tensor.NewRun(context.Background(), cpu.New(engine), new(tensor.Arena), hooks)
	r.Record(tape)
	pixels := f.Find("pixels")
	x := r.Input(tensor.Of(pixels.Shape[0], pixels.Shape[1], pixels.F32()))
	merged := tower.Forward(r, r.Tap(tensor.At("pixels", ""), x), f.grids, nil, nil).Merged
	out.merged = append(out.merged, merged.Floats()...)
	copy(merged.Grad.Host(), f.Find("toward").F32())
	r.Backward()
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	out.seen, _ = hooks.(*seen)
	return out
}

// holds compares a run with everything that the fixture wants.
func (f *reference) holds(t *testing.T, got result) {
	t.Helper()
	f.Near(t, "want.d/pixels", got.grads["pixels"])
	for i, grad := range got.qkv {
		f.Near(t, fmt.Sprintf("want.d/visual.blocks.%d.attn.qkv.weight", i), grad)
	}
	taps := 0
	for _, x := range f.Tensors() {
		name, ok := strings.CutPrefix(x.Name, "want.visual.")
		if !ok {
			continue
		}
		taps++
		if data, ok := got.values["visual."+name]; ok {
			f.Near(t, x.Name, data)
		} else {
			t.Errorf("there is no tap visual.%s", name)
		}
	}
	if taps < 10 {
		t.Errorf("the fixture has %d taps only", taps)
	}
}

// thetaConfig is the configuration of testdata/theta.safetensors.
var thetaConfig = weights.VisionConfig{
	Depth: 2, EmbedDim: 16, NumHeads: 2, MLPRatio: 2, OutHiddenSize: 12, PatchSize: 2, TemporalPatchSize: 2, SpatialMergeSize: 2, InChannels: 3,
	HiddenAct: "quick_gelu", RopeTheta: 500,
}

// TestTowerTheta: the base of the tower's rotary embedding is that of the configuration. With another than transformers' own
// default, everything agrees with transformers; with the default, it does not.
func TestTowerTheta(t *testing.T) {
	f := openReference(t, "theta.safetensors")
	load := func(theta float64) *Tower {
		cfg := thetaConfig
		cfg.RopeTheta = theta
		p := weights.NewParams(f, cpu.New(nil))
		tower := Load(p, cfg, &Qwen2VL)
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		return tower
	}
	f.holds(t, f.run(t, load(500), newSeen()))
	want, off := f.Find("want.visual.merger").F32(), 0.0
	for i, v := range f.run(t, load(10000), newSeen()).merged {
		off = max(off, math.Abs(float64(v-want[i])))
	}
	if off < 0.01 {
		t.Errorf("with another base the result is off by %g only: the fixture cannot tell them apart", off)
	}
}
