package attribution

import (
	"slices"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights/option"
)

// Baseline is what a covered part of the picture is replaced by.
type Baseline string

// The baselines.
const (
	Mean  Baseline = "mean"  // the picture's own mean color
	Gray  Baseline = "grey"  // the color whose normalized value is 0: the mean of what the model was trained on
	Black Baseline = "black" // 0
	Blur  Baseline = "blur"  // the picture, blurred until its shapes are gone
)

// Baselines are all of them.
func Baselines() []Baseline { return []Baseline{Mean, Gray, Black, Blur} }

// baselinePixels are the pixels of the baseline for each pass of a prompt; "" is Mean.
func baselinePixels(p *loupe.Prompt, b Baseline, proc picture.Processor) ([][]float32, error) {
	if b == "" {
		b = Mean
	}
	if !slices.Contains(Baselines(), b) {
		return nil, &option.Error{Field: "attribution.Options.Baseline", Value: string(b), Want: "give mean, grey, black or blur"}
	}
	var out [][]float32
	for _, run := range passes(p) {
		dst := make([]float32, len(run.Pixels.Floats()))
		at := 0
		for _, g := range run.Grids {
			n := g[0] * g[1] * g[2] * run.Pixels.Cols
			fill(dst[at:at+n], run.Pixels.Floats()[at:at+n], g, b, proc)
			at += n
		}
		out = append(out, dst)
	}
	return out, nil
}

// fill writes the baseline of one picture, whose pixels are src: patches in the order of the model, and in a patch channel,
// frame, row, column.
func fill(dst, src []float32, g vit.Grid, b Baseline, proc picture.Processor) {
	plane := proc.TemporalPatchSize * proc.PatchSize * proc.PatchSize // of a channel, in a patch
	switch b {
	case Gray:
		clear(dst)
	case Black:
		for i := range dst {
			c := i / plane % 3
			dst[i] = float32((0 - proc.Mean[c]) / proc.Std[c])
		}
	case Mean:
		var sum [3]float64
		for i, v := range src {
			sum[i/plane%3] += float64(v)
		}
		for i := range dst {
			dst[i] = float32(sum[i/plane%3] / float64(len(src)/3))
		}
	case Blur:
		blurPatches(dst, src, g, proc)
	}
}

// withPixels is a prompt with other pixels, a slice for each pass.
func withPixels(p *loupe.Prompt, pixels [][]float32) *loupe.Prompt {
	q := *p
	n := 0
	for _, v := range []**loupe.Vision{&q.Images, &q.Videos} {
		if *v == nil {
			continue
		}
		w := **v
		w.Pixels = tensor.Of(w.Pixels.Rows, w.Pixels.Cols, pixels[n])
		*v = &w
		n++
	}
	return &q
}

// pixelsOf are the pixels of each pass, in memory of their own.
func pixelsOf(p *loupe.Prompt) [][]float32 {
	var out [][]float32
	for _, run := range passes(p) {
		out = append(out, slices.Clone(run.Pixels.Floats()))
	}
	return out
}

// cover copies the pixels of a cell of side x side patches from one set of pixels to another.
func cover(dst, src [][]float32, p *loupe.Prompt, c cell, side int) {
	n := side * side * passes(p)[c.pass].Pixels.Cols
	copy(dst[c.pass][c.n*n:][:n], src[c.pass][c.n*n:][:n])
}
