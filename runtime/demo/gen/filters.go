package main

import (
	"math"

	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/weights"
)

// A band is a range of spatial frequencies: the patterns of the discrete cosine transform (DCT-II) with from <= u+v <= to.
// Part is the number of filters of eight that take their pattern from it, and deviation about that of its coefficients in
// painted pictures, normalized as the model sees them.
var bands = []struct {
	from, to, part int
	deviation      float64
}{
	{0, 0, 1, 10}, {1, 2, 2, 2.7}, {3, 5, 2, 1.1}, {6, 9, 1, 0.6}, {10, 26, 2, 0.26},
}

// patchFilters adds the first layer of the vision tower: random patterns, each of one band, scaled so that all answer about
// equally to a picture. Independent random numbers would see little but the mean color of a patch, which outweighs its
// texture by far.
func (b *builder) patchFilters(name string, c weights.VisionConfig) {
	r := newSource(name)
	n, frames := c.PatchSize, c.TemporalPatchSize
	var out []float32
	for d := range c.EmbedDim {
		at := d % 8
		band := bands[0]
		for _, band = range bands {
			if at -= band.part; at < 0 {
				break
			}
		}
		filter := make([]float64, c.InChannels*n*n)
		patterns := 0
		for u := range n {
			for v := range n {
				if u+v < band.from || u+v > band.to {
					continue
				}
				patterns++
				for ch := range c.InChannels {
					pattern(filter[ch*n*n:][:n*n], n, u, v, normal(r))
				}
			}
		}
		// The frames of a picture are the same one twice, and add up.
		scale := 1 / (float64(band.deviation*float64(frames)) * math.Sqrt(float64(patterns*c.InChannels)))
		for ch := range c.InChannels {
			for range frames {
				for _, x := range filter[ch*n*n:][:n*n] {
					out = append(out, float32(x*scale))
				}
			}
		}
	}
	*b = append(*b, weights.FromBF16(name, []int{c.EmbedDim, c.InChannels, frames, n, n}, out))
}

// pattern adds a pattern of the orthonormal DCT-II of n x n pixels.
func pattern(dst []float64, n, u, v int, weight float64) {
	norm := func(k int) float64 {
		if k == 0 {
			return math.Sqrt(1 / float64(n))
		}
		return math.Sqrt(2 / float64(n))
	}
	wave := func(k, i int) float64 {
		return float64(num.Cos(float32(math.Pi * float64(k*(2*i+1)) / float64(2*n))))
	}
	weight *= norm(u) * norm(v)
	for y := range n {
		for x := range n {
			dst[y*n+x] += float64(float64(weight*wave(u, y)) * wave(v, x))
		}
	}
}
