package vit

import (
	"fmt"
	"strconv"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Tower is the vision transformer of a loaded checkpoint. It is read-only and safe for concurrent runs.
type Tower struct {
	Config     weights.VisionConfig
	PatchEmbed *tensor.Linear // the 3-D convolution whose stride is its kernel: a linear map of each flattened patch
	Blocks     []Block
	Merger     Merger
	Device     int // its number: see tensor.Run.To

	segments func(cfg weights.VisionConfig, grids, earlier []Grid) func(block int) Segments
}

// Load reads the tensors named visual.* of a family's tower from p, whose error tells what was missing.
func Load(p *weights.Params, cfg weights.VisionConfig, family *Family) *Tower {
	t := &Tower{Config: cfg, segments: family.Segments, Device: p.Devices().Tower}
	patch := []int{cfg.EmbedDim, cfg.InChannels, cfg.TemporalPatchSize, cfg.PatchSize, cfg.PatchSize}
	t.PatchEmbed = p.LinearOf("visual.patch_embed.proj", family.PatchBias, patch...)
	for i := range cfg.Depth {
		t.Blocks = append(t.Blocks, family.Block(p, "visual.blocks."+strconv.Itoa(i), cfg))
	}
	t.Merger = family.Merger(p, "visual.merger", cfg)
	return t
}

// Segments are the rows that attend to each other in a block, for the patches of grids; earlier are those of an earlier pass of the
// same request, from which the segments' numbers go on.
func (t *Tower) Segments(block int, grids, earlier []Grid) Segments {
	return t.segments(t.Config, grids, earlier)(block)
}

// Linears lists the linear maps of the tower in the order of the computation.
func (t *Tower) Linears() []*tensor.Linear {
	out := []*tensor.Linear{t.PatchEmbed}
	for _, m := range t.modules() {
		out = append(out, m.Linears()...)
	}
	return out
}

// Norms lists the norms of the tower in the order of the computation.
func (t *Tower) Norms() []*tensor.Norm {
	var out []*tensor.Norm
	for _, m := range t.modules() {
		out = append(out, m.Norms()...)
	}
	return out
}

func (t *Tower) modules() []Module {
	var out []Module
	for _, b := range t.Blocks {
		out = append(out, b)
	}
	return append(out, t.Merger)
}

// Grid is the patches of one picture or video: frames (or pairs of them), rows and columns.
type Grid = [3]int

// Patches is the number of patches in all grids.
func Patches(grids []Grid) int {
	n := 0
	for _, g := range grids {
		n += g[0] * g[1] * g[2]
	}
	return n
}

// Output is what the tower gives of pictures.
type Output struct {
	Merged tensor.Tensor // (patches/merge², out_hidden_size): the rows that the decoder reads
	// Head is what the score head reads, (rows, width), with its gradient where the run records one. No rows where the head
	// reads none of the tower.
	Head tensor.Tensor
}

// Forward is Qwen2VisionTransformerPretrainedModel: pixels, (patches, channels*temporal*patch*patch) of all grids one
// after the other, to features. earlier are the grids of an earlier pass of the same request, after whose segments those of this
// one are numbered in the names of taps. head says what the score head reads; nil where it is not asked.
func (t *Tower) Forward(r *tensor.Run, pixels tensor.Tensor, grids, earlier []Grid, head *weights.HeadInput) (out Output) {
	if n := Patches(grids); pixels.Rows != n {
		r.Fail(fmt.Errorf("the grids hold %d patches, but there are %d rows of pixels", n, pixels.Rows))
		return Output{Merged: pixels}
	}
	read := -1
	if head != nil {
		if n, ok := head.Block(); ok {
			read = n
		}
	}
	pixels = r.To(t.Device, pixels)
	rot := t.rotary(r, grids)
	within := t.segments(t.Config, grids, earlier)
	x := r.Tap(tensor.At("visual.patch_embed", ""), r.Linear(pixels, t.PatchEmbed))
	for i, b := range t.Blocks {
		x = r.Scope(x, func(x tensor.Tensor) tensor.Tensor { return b.Forward(r, x, rot, within(i)) })
		if i != read {
			continue
		}
		if out.Head = x; !x.HasGrad() { // the next block writes over it
			out.Head = r.Copy(x)
		}
	}
	out.Merged = t.Merger.Forward(r, x)
	if head != nil && *head == weights.MergerInput {
		out.Head = out.Merged
	}
	return out
}
