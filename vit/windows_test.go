package vit

import (
	"context"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// The tower of Qwen2.5-VL, as far as the seam of families must carry it: blocks of RMS norms and a gated perceptron, which attend in
// windows but for some that attend to the whole frame. It is a test's and no family of loupe's: its configuration is not read.

// windowedFamily is a family whose windows have so many merged cells on a side, but for the blocks of whole.
func windowedFamily(cells, intermediate int, whole ...int) *Family {
	return &Family{
		Block: func(p *weights.Params, path string, cfg weights.VisionConfig) Block {
			d := cfg.EmbedDim
			return &gatedBlock{
				Attention: LoadAttention(p, path, cfg), norm1: p.RMSNorm(path+".norm1", d, normEps), norm2: p.RMSNorm(path+".norm2", d, normEps),
				gate: p.LinearOf(path+".mlp.gate_proj", true, intermediate, d), up: p.LinearOf(path+".mlp.up_proj", true, intermediate, d),
				down: p.LinearOf(path+".mlp.down_proj", true, d, intermediate),
			}
		},
		Merger: func(p *weights.Params, path string, cfg weights.VisionConfig) Merger {
			wide := cfg.EmbedDim * cfg.SpatialMergeSize * cfg.SpatialMergeSize
			return &rmsMerger{Qwen2VLMerger{LNQ: p.RMSNorm(path+".ln_q", cfg.EmbedDim, normEps),
				MLP0: p.LinearOf(path+".mlp.0", true, wide, wide), MLP2: p.LinearOf(path+".mlp.2", true, cfg.OutHiddenSize, wide)}}
		},
		Segments: func(cfg weights.VisionConfig, grids, earlier []Grid) func(int) Segments {
			frame, window := frames(grids, earlier), windows(grids, cfg.SpatialMergeSize, cells)
			return func(block int) Segments {
				if slices.Contains(whole, block) {
					return frame
				}
				return window
			}
		},
	}
}

type gatedBlock struct {
	Attention
	norm1, norm2   *tensor.Norm
	gate, up, down *tensor.Linear
}

func (b *gatedBlock) Forward(r *tensor.Run, x tensor.Tensor, rot tensor.Rotary, within Segments) tensor.Tensor {
	h := r.Tap(b.at("norm1"), r.RMSNorm(x, b.norm1))
	x = r.Add(x, b.Attend(r, h, rot, within))
	h = r.Tap(b.at("norm2"), r.RMSNorm(x, b.norm2))
	h = r.Tap(b.at("mlp.act"), r.SwiGLU(r.Linear(h, b.gate), r.Linear(h, b.up)))
	x = r.Add(x, r.Tap(b.at("mlp.out"), r.Linear(h, b.down)))
	return r.Tap(b.at("out"), x)
}

func (b *gatedBlock) Linears() []*tensor.Linear {
	return []*tensor.Linear{b.QKV, b.Proj, b.gate, b.up, b.down}
}

func (b *gatedBlock) Norms() []*tensor.Norm { return []*tensor.Norm{b.norm1, b.norm2} }

type rmsMerger struct{ Qwen2VLMerger }

func (m *rmsMerger) Forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	h, wide := r.RMSNorm(x, m.LNQ), m.MLP0.W.Cols
	h = r.Linear(h.Reshape(h.Rows*h.Cols/wide, wide), m.MLP0)
	return r.Tap(tensor.At("visual.merger", ""), r.Linear(r.GELU(h), m.MLP2))
}

// windows are the segments of get_vision_window_index: of each frame, row by row, squares of cells x cells merged cells, and what
// is left of them at the right and lower edge.
func windows(grids []Grid, merge, cells int) Segments {
	var order []int
	var parts []tensor.Segment
	at, unit := 0, merge*merge // rows of a merged cell, which lie one after the other
	for _, g := range grids {
		rows, cols := g[1]/merge, g[2]/merge
		for range g[0] {
			for top := 0; top < rows; top += cells {
				for left := 0; left < cols; left += cells {
					start := len(order)
					for y := top; y < min(top+cells, rows); y++ {
						for x := left; x < min(left+cells, cols); x++ {
							for k := range unit {
								order = append(order, at+(y*cols+x)*unit+k)
							}
						}
					}
					parts = append(parts, tensor.Segment{Start: start, End: len(order), Index: len(parts)})
				}
			}
			at += rows * cols * unit
		}
	}
	return InOrder(order, parts)
}

// windowsConfig is the configuration of testdata/windows.safetensors.
var windowsConfig = weights.VisionConfig{
	Depth: 3, EmbedDim: 16, NumHeads: 2, OutHiddenSize: 12, PatchSize: 2, TemporalPatchSize: 2, SpatialMergeSize: 2, InChannels: 3, RopeTheta: 500,
}

// TestWindowedTower holds a tower whose blocks attend in windows, with one among them that attends to whole frames, to
// transformers' Qwen2.5-VL: probabilities of each window, every block's rows in the order of the pixels, the merged rows, and the
// gradients of pixels and weights.
func TestWindowedTower(t *testing.T) {
	f := openReference(t, "windows.safetensors")
	tower := f.windowed(t, windowedFamily(2, 20, 1))
	s := windows(f.grids, 2, 2)
	if want := f.Integers("want.order"); !slices.Equal(s.Order, want) {
		t.Errorf("rows stand as %v, want %v", s.Order, want)
	}
	bounds := []int{0}
	for _, part := range s.Parts {
		bounds = append(bounds, part.End)
	}
	if want := f.Integers("want.bounds"); !slices.Equal(bounds, want) {
		t.Errorf("windows end at %v, want %v", bounds, want)
	}
	got := f.run(t, tower, newSeen())
	f.holds(t, got)

	t.Run("untapped", func(t *testing.T) {
		if alone := f.run(t, f.windowed(t, windowedFamily(2, 20, 1)), nil); !slices.Equal(alone.merged, got.merged) {
			t.Error("looking changes the result")
		}
	})
	t.Run("recomputed", func(t *testing.T) {
		again := f.runTaping(t, f.windowed(t, windowedFamily(2, 20, 1)), nil, &tensor.Tape{Recompute: true})
		if !slices.Equal(again.merged, got.merged) || !slices.EqualFunc(again.qkv, got.qkv, slices.Equal[[]float32]) {
			t.Error("a block that is computed again for its gradient gives another")
		}
	})
	t.Run("what a score head reads", func(t *testing.T) {
		engine, err := kernels.New(kernels.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer engine.Close()
		pixels := f.Find("pixels")
		for _, head := range []weights.HeadInput{weights.BlockInput(0), weights.BlockInput(2), weights.MergerInput} {
			r := tensor.NewRun(context.Background(), cpu.New(engine), new(tensor.Arena), nil)
			out := f.windowed(t, windowedFamily(2, 20, 1)).Forward(r, tensor.Of(pixels.Shape[0], pixels.Shape[1], pixels.F32()), f.grids, nil, &head)
			if err := r.Err(); err != nil || !slices.Equal(out.Head.Floats(), got.values[head.Tap()]) {
				t.Errorf("%s has other rows than the tap: %v", head.Tap(), err)
			}
		}
	})
	t.Run("whole frames are other numbers", func(t *testing.T) {
		if other := f.run(t, f.windowed(t, windowedFamily(2, 20, 0, 1, 2)), newSeen()); slices.Equal(other.merged, got.merged) {
			t.Error("without windows the result is the same")
		}
	})
	t.Run("as frames", func(t *testing.T) {
		// Windows as large as every frame, whose rows then stand as they lie: the same bits with an order and without one.
		ordered, plain := f.run(t, f.windowed(t, windowedFamily(8, 20)), newSeen()), f.run(t, f.windowed(t, windowedFamily(2, 20, 0, 1, 2)), newSeen())
		if !slices.Equal(ordered.merged, plain.merged) || !slices.Equal(ordered.grads["pixels"], plain.grads["pixels"]) {
			t.Error("the order of rows changes numbers")
		}
	})
	t.Run("edits", func(t *testing.T) {
		// An edit names rows in the order of the pixels: row 9 of what attention gives is another than the ninth of the windows.
		const at, row = "visual.blocks.0.attn.heads", 9
		if s.Order[row] == row {
			t.Fatal("the row stands where it lies: the test cannot fail")
		}
		hooks := newSeen()
		hooks.edits[at] = tensor.Edit{Op: tensor.Zero, Head: -1, Rows: []int{row}}
		edited := f.run(t, f.windowed(t, windowedFamily(2, 20, 1)), hooks)
		width := windowsConfig.EmbedDim
		for i, v := range edited.values[at] {
			if want := got.values[at][i]; i/width == row && v != 0 || i/width != row && v != want {
				t.Fatalf("row %d has %v, and without the edit %v", i/width, v, want)
			}
		}
	})
}

func (f *reference) windowed(t *testing.T, family *Family) *Tower {
	t.Helper()
	p := weights.NewParams(f, cpu.New(nil))
	tower := Load(p, windowsConfig, family)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return tower
}
