package vit

import (
	"fmt"
	"strconv"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// normEps is the epsilon of the tower's layer norms, which the reference does not read from the configuration.
const normEps = 1e-6

// Tower is the vision transformer of a loaded checkpoint. It is read-only and safe for concurrent runs.
type Tower struct {
	Config     weights.VisionConfig
	PatchEmbed *tensor.Linear // the 3-D convolution whose stride is its kernel: a linear map of each flattened patch
	Blocks     []*Block
	Merger     *Merger
}

// Load reads the tensors named visual.* from p, whose error tells what was missing.
func Load(p *weights.Params, cfg weights.VisionConfig) *Tower {
	t := &Tower{Config: cfg}
	patch := []int{cfg.EmbedDim, cfg.InChannels, cfg.TemporalPatchSize, cfg.PatchSize, cfg.PatchSize}
	t.PatchEmbed = p.LinearOf("visual.patch_embed.proj", false, patch...)
	for i := range cfg.Depth {
		t.Blocks = append(t.Blocks, loadBlock(p, "visual.blocks."+strconv.Itoa(i), cfg))
	}
	t.Merger = loadMerger(p, "visual.merger", cfg)
	return t
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
	Merged tensor.Tensor // (patches/merge², hidden_size): the rows that the decoder reads
	// Head is what the score head reads, (rows, width), with its gradient where the run records one. No rows where the head
	// reads none of the tower.
	Head tensor.Tensor
}

// Forward is Qwen2VisionTransformerPretrainedModel: pixels, (patches, channels*temporal*patch*patch) of all grids one
// after the other, to features. Attention stays within each frame. firstSpan numbers the attention taps: it is 0, or the
// number of frames in an earlier pass of the same request. head says what the score head reads; nil where it is not asked.
func (t *Tower) Forward(r *tensor.Run, pixels tensor.Tensor, grids []Grid, firstSpan int, head *weights.HeadInput) (out Output) {
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
	rot := t.rotary(r, grids)
	spans := frameSpans(grids, firstSpan)
	x := r.Tap(tensor.At("visual.patch_embed", ""), r.Linear(pixels, t.PatchEmbed))
	for i, b := range t.Blocks {
		x = r.Scope(x, func(x tensor.Tensor) tensor.Tensor { return b.Forward(r, x, rot, spans) })
		if i != read {
			continue
		}
		if out.Head = x; x.Grad == nil { // the next block writes over it
			out.Head = r.Copy(x)
		}
	}
	out.Merged = t.Merger.Forward(r, x)
	if head != nil && *head == weights.MergerInput {
		out.Head = out.Merged
	}
	return out
}

// frameSpans are the rows of each frame: an image is one frame, a video one for each pair of pictures.
func frameSpans(grids []Grid, first int) []tensor.Span {
	var spans []tensor.Span
	at := 0
	for _, g := range grids {
		for range g[0] {
			spans = append(spans, tensor.Span{Start: at, End: at + g[1]*g[2], Index: first + len(spans)})
			at += g[1] * g[2]
		}
	}
	return spans
}
