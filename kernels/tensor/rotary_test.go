package tensor

import (
	"math"
	"testing"
)

// TestRotate turns the pairs (j, j+dim/2) of each head, by a complex product in float64.
func TestRotate(t *testing.T) {
	for _, c := range []struct{ rows, heads, half int }{{1, 1, 1}, {3, 2, 4}, {5, 3, 8}, {70, 2, 20}} {
		s := newSource(60)
		x, angles := s.window(c.rows, c.heads*2*c.half), s.tensor(c.rows, c.half)
		for i := range angles.Data.Host() {
			angles.Data.Host()[i] *= 50
		}
		r := newRun(t, nil)
		got := r.Rotate(x, r.NewRotary(angles))
		want := make([]float64, len(got.Data.Host()))
		for i := range c.rows {
			for h := range c.heads {
				for j := range c.half {
					at := h*2*c.half + j
					turn := float64(angles.Row(i)[j])
					z := complex(float64(x.Row(i)[at]), float64(x.Row(i)[at+c.half])) * complex(math.Cos(turn), math.Sin(turn))
					want[i*x.Cols+at], want[i*x.Cols+at+c.half] = real(z), imag(z)
				}
			}
		}
		near(t, "rotated", got.Data.Host(), want, 3e-7)
	}
}

func TestNewRotary(t *testing.T) {
	angles := Of(2, 3, []float32{0, 1, -1, math.Pi / 2, 100, 12345})
	rot := newRun(t, nil).NewRotary(angles)
	var cos, sin []float64
	for _, a := range angles.Data.Host() {
		cos, sin = append(cos, math.Cos(float64(a))), append(sin, math.Sin(float64(a)))
	}
	near(t, "cosines", rot.Cos.Data.Host(), cos, 6e-8)
	near(t, "sines", rot.Sin.Data.Host(), sin, 6e-8)
}

// TestRotateByNothing: position 0 turns by nothing and keeps the bits.
func TestRotateByNothing(t *testing.T) {
	x := newSource(61).tensor(2, 12)
	r := newRun(t, nil)
	if got := r.Rotate(x, r.NewRotary(Of(2, 3, make([]float32, 6)))); !sameBits(got.Data.Host(), x.Data.Host()) {
		t.Errorf("%v became %v", x.Data.Host(), got.Data.Host())
	}
}

// TestRotaryIsRelative: the product of a turned query and a turned key depends on the distance of their positions only.
func TestRotaryIsRelative(t *testing.T) {
	const half = 8
	s := newSource(62)
	q, k := s.tensor(1, 2*half), s.tensor(1, 2*half)
	r := newRun(t, nil)
	at := func(x Tensor, position float64) []float32 {
		angles := Of(1, half, make([]float32, half))
		for j := range half {
			angles.Data.Host()[j] = float32(position * math.Pow(10, -float64(j)/half))
		}
		return r.Rotate(x, r.NewRotary(angles)).Row(0)
	}
	product := func(a, b []float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	want := product(at(q, 5), at(k, 0))
	for _, shift := range []float64{1, 7, 30} {
		if got := product(at(q, 5+shift), at(k, shift)); math.Abs(got-want) > 1e-4 {
			t.Errorf("moved by %v the product is %v, want %v", shift, got, want)
		}
	}
}
