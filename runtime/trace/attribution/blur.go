package attribution

import (
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/vit/picture"
)

// blurPatches blurs the picture that patches were cut from and cuts it again.
func blurPatches(dst, src []float32, g vit.Grid, proc picture.Processor) {
	size, frames := proc.PatchSize, proc.TemporalPatchSize
	w := g[2] * size
	order := vit.PatchOrder(g, proc.MergeSize)
	plane := make([]float32, g[1]*size*w)
	for f := range g[0] {
		for c := range 3 {
			for t := range frames {
				inFrame(order, f, func(patch int, place vit.Place) {
					for y := range size {
						copy(plane[(place.Row*size+y)*w+place.Col*size:][:size], src[(((patch*3+c)*frames+t)*size+y)*size:])
					}
				})
				blur(plane, w)
				inFrame(order, f, func(patch int, place vit.Place) {
					for y := range size {
						copy(dst[(((patch*3+c)*frames+t)*size+y)*size:][:size], plane[(place.Row*size+y)*w+place.Col*size:])
					}
				})
			}
		}
	}
}

// inFrame calls f for each patch of a frame.
func inFrame(order []vit.Place, frame int, f func(patch int, place vit.Place)) {
	for i, place := range order {
		if place.Frame == frame {
			f(i, place)
		}
	}
}

// blur approximates a Gaussian blur: it replaces each pixel of a plane by the mean of those around it, three times. The
// radius is a sixteenth of the longer side. At the edges the mean is over the pixels that there are.
func blur(plane []float32, w int) {
	h := len(plane) / w
	radius := max(1, max(w, h)/16)
	line := make([]float32, max(w, h))
	for range 3 {
		for y := range h {
			box(plane[y*w:], line, w, 1, radius)
		}
		for x := range w {
			box(plane[x:], line, h, w, radius)
		}
	}
}

// box is a box filter over n numbers that lie stride apart.
func box(x, line []float32, n, stride, radius int) {
	for i := range n {
		line[i] = x[i*stride]
	}
	sum, lo, hi := 0.0, 0, 0
	for i := range n {
		for ; hi < min(i+radius+1, n); hi++ {
			sum += float64(line[hi])
		}
		for ; lo < i-radius; lo++ {
			sum -= float64(line[lo])
		}
		x[i*stride] = float32(sum / float64(hi-lo))
	}
}
