package paint_test

import (
	"math"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
)

// planes are a picture's luma and its two color differences, of BT.601.
type planes struct {
	w, h    int
	y, b, r []float64
}

func split(p paint.Painting) planes {
	n := p.Width * p.Height
	s := planes{p.Width, p.Height, make([]float64, n), make([]float64, n), make([]float64, n)}
	for i := range n {
		r, g, b := float64(p.Pix[3*i])/255, float64(p.Pix[3*i+1])/255, float64(p.Pix[3*i+2])/255
		s.y[i] = 0.299*r + 0.587*g + 0.114*b
		s.b[i], s.r[i] = (b-s.y[i])/1.772, (r-s.y[i])/1.402
	}
	return s
}

// blur is the mean over squares of 2*k+1 pixels, cut at the edge.
func (s planes) blur(x []float64, k int) []float64 {
	sums := make([]float64, (s.w+1)*(s.h+1))
	for j := range s.h {
		for i := range s.w {
			sums[(j+1)*(s.w+1)+i+1] = x[j*s.w+i] + sums[j*(s.w+1)+i+1] + sums[(j+1)*(s.w+1)+i] - sums[j*(s.w+1)+i]
		}
	}
	out := make([]float64, len(x))
	for j := range s.h {
		for i := range s.w {
			x0, x1, y0, y1 := max(0, i-k), min(s.w, i+k+1), max(0, j-k), min(s.h, j+k+1)
			sum := sums[y1*(s.w+1)+x1] - sums[y0*(s.w+1)+x1] - sums[y1*(s.w+1)+x0] + sums[y0*(s.w+1)+x0]
			out[j*s.w+i] = sum / float64((x1-x0)*(y1-y0))
		}
	}
	return out
}

// differences is the mean size of the differences between pixels that lie lag apart, across and down.
func (s planes) differences(x []float64, lag int) (across, down float64) {
	for j := range s.h - lag {
		for i := range s.w - lag {
			across += math.Abs(x[j*s.w+i+lag] - x[j*s.w+i])
			down += math.Abs(x[(j+lag)*s.w+i] - x[j*s.w+i])
		}
	}
	n := float64((s.h - lag) * (s.w - lag))
	return across / n, down / n
}

// gravity is how far the middle of a mass lies from the picture's, and how widely the mass is spread, of its size.
func (s planes) gravity(mass []float64) (away, spread float64) {
	var sum, x, y, x2, y2 float64
	for i, m := range mass {
		a, b := float64(i%s.w)/float64(s.w)-0.5, float64(i/s.w)/float64(s.h)-0.5
		sum, x, y, x2, y2 = sum+m, x+m*a, y+m*b, x2+m*a*a, y2+m*b*b
	}
	x, y = x/sum, y/sum
	return math.Hypot(x, y), math.Sqrt(max(0, x2/sum-x*x)) + math.Sqrt(max(0, y2/sum-y*y))
}

// tilt is how far the edges of x turn from the upright, and how much they agree.
func (s planes) tilt(x []float64) (turn, agree float64) {
	var sin, cos, all float64
	for j := 1; j < s.h-1; j++ {
		for i := 1; i < s.w-1; i++ {
			a, b := x[j*s.w+i+1]-x[j*s.w+i-1], x[(j+1)*s.w+i]-x[(j-1)*s.w+i]
			// Four times the angle: what is upright and what is level are alike.
			n := a*a + b*b
			if n > 0 {
				sin += 4 * a * b * (a*a - b*b) / n
				cos += ((a*a-b*b)*(a*a-b*b) - 4*a*a*b*b) / n
				all += n
			}
		}
	}
	return math.Abs(math.Atan2(sin, cos)), math.Hypot(sin, cos) / all
}

// features are simple measures of a picture's pixels.
func features(p paint.Painting) []float64 {
	s := split(p)
	n := float64(len(s.y))
	var f []float64
	add := func(x ...float64) { f = append(f, x...) }

	// Color: mean and spread of the strength, how much the hues agree, how they change from place to place.
	var chroma, chroma2, mb, mr, white, black float64
	for i, y := range s.y {
		c := math.Hypot(s.b[i], s.r[i])
		chroma, chroma2, mb, mr = chroma+c, chroma2+c*c, mb+s.b[i], mr+s.r[i]
		if c < 0.03 && y > 0.9 {
			white++
		}
		if c < 0.03 && y < 0.12 {
			black++
		}
	}
	agree := math.Hypot(mb, mr) / chroma
	add(chroma/n, math.Sqrt(max(0, chroma2/n-chroma*chroma/n/n)), agree, agree*agree)
	b, r := s.blur(s.b, 1), s.blur(s.r, 1)
	for _, lag := range []int{4, 10, 30} {
		b1, b2 := s.differences(b, lag)
		r1, r2 := s.differences(r, lag)
		add(math.Log(b1 + b2 + r1 + r2))
	}
	// Originality: black and white.
	add(white/n, black/n, math.Sqrt(white*black)/n)

	// Texture: differences of the luma near and far.
	for _, k := range []int{0, 1, 2} {
		soft := s.blur(s.y, k)
		for _, lag := range []int{1, 2, 5} {
			a, d := s.differences(soft, lag)
			add(math.Log(a), math.Log(d))
		}
	}

	// Composition and content: where the light and the contrasts lie, and how many there are.
	add(s.gravity(s.blur(s.y, 12)))
	for _, k := range []int{2, 4} {
		near, wide := s.blur(s.y, 1), s.blur(s.y, 3*k)
		contrast := make([]float64, len(near))
		var at [5]float64
		for i := range near {
			c := math.Abs(near[i] - wide[i])
			contrast[i] = c * c
			for j := range at {
				if c > 0.08+0.06*float64(j) {
					at[j]++
				}
			}
		}
		add(s.gravity(contrast))
		for _, x := range at {
			add(x / n)
		}
		turn, sure := s.tilt(s.blur(s.y, k))
		add(turn, sure, turn*sure)
	}
	return f
}
