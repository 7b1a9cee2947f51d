package picture

import "math"

// Resize is Pillow's Image.resize((w, h), BICUBIC) on RGB: a horizontal and then a vertical pass of the antialiased cubic
// filter (a = -0.5) in 22-bit fixed point, rounded to bytes between them; an axis that keeps its size is left alone. The
// order of the passes is that of every Pillow up to 12.1.
func Resize(img Image, w, h int) Image {
	if w != img.Width {
		img = resizeRows(img, w)
	}
	if h != img.Height {
		img = resizeColumns(img, h)
	}
	return img
}

const fixedBits = 22

// filter are the taps of one output pixel: weights for the inputs from first on.
type filter struct {
	first   int
	weights []int32
}

// filters computes the taps of each of out pixels over in pixels (Pillow's precompute_coeffs and normalize_coeffs_8bpc).
// Every product is rounded before it is added to, as the C program's are.
func filters(in, out int) []filter {
	scale := float64(in) / float64(out)
	wide := max(scale, 1)
	support, step := float64(2*wide), 1/wide
	fs := make([]filter, out)
	for i := range fs {
		center := float64((float64(i) + 0.5) * scale)
		lo := max(int(center-support+0.5), 0)
		hi := min(int(center+support+0.5), in)
		real := make([]float64, hi-lo)
		sum := 0.0
		for j := range real {
			real[j] = bicubic(float64((float64(j+lo) - center + 0.5) * step))
			sum += real[j]
		}
		fs[i] = filter{lo, make([]int32, len(real))}
		for j, v := range real {
			if sum != 0 {
				v /= sum
			}
			v = float64(v * (1 << fixedBits))
			if v < 0 {
				v -= 0.5
			} else {
				v += 0.5
			}
			fs[i].weights[j] = int32(v)
		}
	}
	return fs
}

func bicubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64((float64((float64((x-5)*x)+8)*x) - 4) * a)
	}
	return 0
}

func clip8(v int32) byte {
	return byte(max(0, min(255, v>>fixedBits)))
}

func resizeRows(img Image, w int) Image {
	out := newImage(w, img.Height)
	fs := filters(img.Width, w)
	for y := range img.Height {
		src, dst := img.Pix[3*y*img.Width:3*(y+1)*img.Width], out.Pix[3*y*w:]
		for x, f := range fs {
			r, g, b := int32(1<<(fixedBits-1)), int32(1<<(fixedBits-1)), int32(1<<(fixedBits-1))
			p := src[3*f.first:]
			p = p[:3*len(f.weights)]
			for j, k := range f.weights {
				r += int32(p[3*j]) * k
				g += int32(p[3*j+1]) * k
				b += int32(p[3*j+2]) * k
			}
			dst[3*x], dst[3*x+1], dst[3*x+2] = clip8(r), clip8(g), clip8(b)
		}
	}
	return out
}

func resizeColumns(img Image, h int) Image {
	out := newImage(img.Width, h)
	n := 3 * img.Width
	acc := make([]int32, n)
	for y, f := range filters(img.Height, h) {
		for i := range acc {
			acc[i] = 1 << (fixedBits - 1)
		}
		for j, k := range f.weights {
			for i, v := range img.Pix[(f.first+j)*n:][:n] {
				acc[i] += int32(v) * k
			}
		}
		dst := out.Pix[y*n:][:n]
		for i, v := range acc {
			dst[i] = clip8(v)
		}
	}
	return out
}
