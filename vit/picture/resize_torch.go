package picture

import "math"

// ResizeRounded is torchvision's resize of a tensor of bytes, bicubic and antialiased: unlike Pillow's it computes in
// float32, and rounds (half to even) and clamps once, at the end. qwen_vl_utils resizes the frames of videos with it. Sums
// within about 1e-5 of a half may round to the other side, as they do in torchvision from one processor to another.
func ResizeRounded(img Image, w, h int) Image {
	if w == img.Width && h == img.Height {
		return Image{Width: w, Height: h, Pix: img.Pix, Tensor: true}
	}
	planes := resizeFloats(img, w, h)
	out := newImage(w, h)
	out.Tensor = true
	for i, v := range planes {
		out.Pix[i] = byte(math.RoundToEven(float64(max(0, min(255, v)))))
	}
	return out
}

// resizeFloats is the same without rounding and clamping, as torchvision resizes a tensor of floats.
func resizeFloats(img Image, w, h int) []float32 {
	planes := make([]float32, len(img.Pix))
	for i, v := range img.Pix {
		planes[i] = float32(v)
	}
	if w != img.Width {
		planes = floatRows(planes, img.Width, img.Height, w)
	}
	if h != img.Height {
		planes = floatColumns(planes, w, img.Height, h)
	}
	return planes
}

// fused is a*b + c, rounded to float32 once but for rare ties.
func fused(a, b, c float32) float32 { return float32(float64(a)*float64(b) + float64(c)) }

type floatFilter struct {
	first   int
	weights []float32
}

// floatFilters are the taps of each output pixel, in float32 as ATen computes them.
func floatFilters(in, out int) []floatFilter {
	scale := float32(in) / float32(out)
	wide := max(scale, 1)
	support, step := float32(2*wide), 1/wide
	fs := make([]floatFilter, out)
	for i := range fs {
		// The halves are doubles there.
		center := float32(float64(scale) * (float64(i) + 0.5))
		lo := max(int(float64(center-support)+0.5), 0)
		hi := min(int(float64(center+support)+0.5), in)
		weights := make([]float32, hi-lo)
		sum := float32(0)
		for j := range weights {
			weights[j] = bicubicFloat(float32((float64(float32(j+lo)-center) + 0.5) * float64(step)))
			sum += weights[j]
		}
		for j := range weights {
			if sum != 0 {
				weights[j] /= sum
			}
		}
		fs[i] = floatFilter{lo, weights}
	}
	return fs
}

func bicubicFloat(x float32) float32 {
	const a = -0.5
	if x < 0 {
		x = -x
	}
	switch {
	case x < 1:
		return fused(float32(fused(a+2, x, -(a+3))*x), x, 1)
	case x < 2:
		return fused(fused(fused(a, x, -5*a), x, 8*a), x, -4*a)
	}
	return 0
}

func floatRows(in []float32, width, height, w int) []float32 {
	out := make([]float32, 3*w*height)
	fs := floatFilters(width, w)
	for y := range height {
		for x, f := range fs {
			for c := range 3 {
				at := 3*(y*width+f.first) + c
				acc := float32(in[at] * f.weights[0])
				for j, k := range f.weights[1:] {
					acc = fused(in[at+3*(j+1)], k, acc)
				}
				out[3*(y*w+x)+c] = acc
			}
		}
	}
	return out
}

func floatColumns(in []float32, width, height, h int) []float32 {
	n := 3 * width
	out := make([]float32, n*h)
	for y, f := range floatFilters(height, h) {
		dst := out[y*n:][:n]
		for i := range dst {
			acc := float32(in[f.first*n+i] * f.weights[0])
			for j, k := range f.weights[1:] {
				acc = fused(in[(f.first+j+1)*n+i], k, acc)
			}
			dst[i] = acc
		}
	}
	return out
}
