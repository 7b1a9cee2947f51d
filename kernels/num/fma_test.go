package num

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactFMA rounds a*b + c once, by arbitrary precision.
func exactFMA(a, b, c float32) float32 {
	x := new(big.Float).SetPrec(2000).SetFloat64(float64(a))
	x.Mul(x, big.NewFloat(float64(b)))
	x.Add(x, big.NewFloat(float64(c)))
	f, _ := x.Float32()
	return f
}

func checkFMA(t *testing.T, a, b, c float32) {
	t.Helper()
	got := FMA(a, b, c)
	if finite := FirstNonFinite([]float32{a, b, c}) < 0; !finite {
		want := float32(float64(a)*float64(b) + float64(c))
		if got != want && !(got != got && want != want) {
			t.Fatalf("FMA(%g, %g, %g) = %g, want %g", a, b, c, got, want)
		}
		return
	}
	if want := exactFMA(a, b, c); got != want {
		t.Fatalf("FMA(%x, %x, %x) = %x, want %x", a, b, c, got, want)
	}
}

func TestFMA(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, math.MaxFloat32, math.SmallestNonzeroFloat32, 0x1p-126, 0x1.fffffep-127, 1 + 0x1p-23, 0x1p-24, 0x1p-25,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 0x1p-100, 0x1p-75, 0x1p64, 3}
	for _, a := range special {
		for _, b := range special {
			for _, c := range special {
				checkFMA(t, a, b, c)
			}
		}
	}
	for range 200000 {
		a, b, c := math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32())
		checkFMA(t, a, b, c)
		checkFMA(t, float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64()))
	}
}

// TestFMADoubleRounding builds sums that lie a hair beside a midpoint between two float32: the conversion from float64
// alone would round them to the wrong side.
func TestFMADoubleRounding(t *testing.T) {
	wrong := 0
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		c := float32(1) + float32(r.IntN(1<<23))*0x1p-23
		a := float32(1) + float32(r.IntN(1<<12))*0x1p-12
		// a*b is half a unit of c, and a little: the little is below a unit of the float64 sum
		b := float32(0x1p-24)/a + float32(r.IntN(3)-1)*0x1p-47
		checkFMA(t, a, b, c)
		checkFMA(t, -a, b, c)
		small := float32(0x1p-24) * (1 + float32(r.IntN(5)-2)*0x1p-23)
		checkFMA(t, small, 1-0x1p-24, c)
		checkFMA(t, small, 1+0x1p-23, -c)
		checkFMA(t, c, 0x1p-149*float32(r.IntN(9)), 0x1p-149*float32(r.IntN(9)))
		checkFMA(t, c*0x1p-70, 0x1p-79, 0x1p-149*float32(r.IntN(9)-4))
		// (1+u)(1-u) = 1-u²: the exact sum is far below a unit of float64 under the midpoint above c
		u, v := float32(0x1p-24)*(1+0x1p-23), float32(1-0x1p-23)
		checkFMA(t, u, v, c)
		if float32(float64(u)*float64(v)+float64(c)) != FMA(u, v, c) {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("no case needed the rounding to odd: the test tests nothing")
	}
}
