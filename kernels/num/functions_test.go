package num

import (
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
)

// ulps is the distance of got from the real number want, in units of float32's last place at want.
func ulps(got float32, want float64) float64 {
	if float64(got) == want || (math.IsNaN(want) && got != got) || (got == float32(want)) {
		return 0
	}
	w := math.Abs(want)
	_, e := math.Frexp(w)
	unit := math.Ldexp(1, max(e-24, -149))
	return math.Abs(float64(got)-want) / unit
}

func TestFunctions(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, f := range []struct {
		name     string
		got      func(float32) float32
		want     func(float64) float64
		lo, hi   float64
		most     float64 // units of the last place
		specials map[float64]float64
	}{
		{"Exp", Exp, math.Exp, -105, 90, 1, map[float64]float64{0: 1, inf: inf, -inf: 0, nan: nan, 1000: inf, -1000: 0}},
		{"Sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, -110, 40, 2, map[float64]float64{0: 0.5, inf: 1, -inf: 0, nan: nan, -1e6: 0, 1e6: 1}},
		{"Tanh", Tanh, math.Tanh, -25, 25, 1, map[float64]float64{0: 0, inf: 1, -inf: -1, nan: nan}},
		{"Erf", Erf, math.Erf, -5, 5, 2, map[float64]float64{0: 0, inf: 1, -inf: -1, nan: nan}},
		{"Sin", Sin, math.Sin, -1e6, 1e6, 1, map[float64]float64{0: 0, inf: nan, nan: nan}},
		{"Cos", Cos, math.Cos, -1e6, 1e6, 1, map[float64]float64{0: 1, -inf: nan, nan: nan}},
	} {
		t.Run(f.name, func(t *testing.T) {
			for x, want := range f.specials {
				if got := f.got(float32(x)); ulps(got, want) != 0 {
					t.Errorf("%s(%v) = %v, want %v", f.name, x, got, want)
				}
			}
			worst, at := 0.0, float32(0)
			check := func(x float32) {
				if float64(x) < f.lo || float64(x) > f.hi || x != x {
					return
				}
				if u := ulps(f.got(x), f.want(float64(x))); u > worst {
					worst, at = u, x
				}
			}
			if os.Getenv("LOUPE_EXHAUSTIVE") != "" {
				for b := range uint64(1 << 32) {
					check(math.Float32frombits(uint32(b)))
				}
			}
			r := rand.New(rand.NewPCG(5, 6))
			for range 400000 {
				check(math.Float32frombits(r.Uint32()))
				check(float32(f.lo + (f.hi-f.lo)*r.Float64()))
				check(float32(r.NormFloat64()))
			}
			if worst > f.most {
				t.Errorf("%s(%v) is off by %.2f units of the last place", f.name, at, worst)
			}
		})
	}
}

// TestSinLarge checks the argument reduction against 200 bits of pi.
func TestSinLarge(t *testing.T) {
	pi, _ := new(big.Float).SetPrec(200).SetString("3.14159265358979323846264338327950288419716939937510582097494459")
	for _, x := range []float32{355, 103993, 833719, 32768, 1e6, 710} {
		n := math.Round(float64(x) / math.Pi)
		r := new(big.Float).SetPrec(200).SetFloat64(float64(x))
		r.Sub(r, new(big.Float).SetPrec(200).Mul(pi, big.NewFloat(n)))
		small, _ := r.Float64()
		want := math.Sin(small)
		if int64(n)&1 == 1 {
			want = -want
		}
		if u := ulps(Sin(x), want); u > 1 {
			t.Errorf("Sin(%v) = %v, want %v", x, Sin(x), want)
		}
	}
}

// TestLanes holds the written order of reductions: sixteen lanes, then a tree.
func TestLanes(t *testing.T) {
	x := make([]float32, 37)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)*7)) * float32(int(1)<<(i%20))
	}
	var l [16]float32
	for i, v := range x {
		l[i%16] += v
	}
	for step := 8; step > 0; step /= 2 {
		for i := range step {
			l[i] += l[i+step]
		}
	}
	if got := Sum(x); got != l[0] {
		t.Errorf("Sum = %v, want %v", got, l[0])
	}
}

func TestArgMaxAndFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		x           []float32
		max, finite int
	}{
		{[]float32{1}, 0, -1}, {[]float32{1, 3, 3, 2}, 1, -1}, {[]float32{nan, 1}, 1, 0}, {[]float32{1, nan, 2}, 2, 1}, {[]float32{-1, -inf}, 0, 1}, {[]float32{1, 2, inf}, 2, 2},
	} {
		if got := ArgMax(c.x); got != c.max {
			t.Errorf("ArgMax(%v) = %d", c.x, got)
		}
		if got := FirstNonFinite(c.x); got != c.finite {
			t.Errorf("FirstNonFinite(%v) = %d", c.x, got)
		}
	}
}
