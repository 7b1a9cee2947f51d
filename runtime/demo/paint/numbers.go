package paint

import (
	"math"
	"math/rand/v2"

	"github.com/loupe-vl/loupe/kernels/num"
)

// mul is a product that is rounded before anything is added to it: a compiler may fuse a*b+c, and on some machines does.
func mul(a, b float64) float64 { return float64(a * b) }

// mix goes from a (t = 0) to b (t = 1).
func mix(a, b, t float64) float64 { return a + mul(b-a, t) }

// clamp holds x within lo..hi.
func clamp(x, lo, hi float64) float64 { return min(max(x, lo), hi) }

// step goes smoothly from 0 at x <= lo to 1 at x >= hi.
func step(x, lo, hi float64) float64 {
	t := clamp((x-lo)/(hi-lo), 0, 1)
	return mul(mul(t, t), 3-2*t)
}

// length is that of a vector. Square roots are exactly rounded everywhere.
func length(x, y float64) float64 { return math.Sqrt(mul(x, x) + mul(y, y)) }

// sin and cos take radians; their bits are the same on every machine.
func sin(x float64) float64 { return float64(num.Sin(float32(x))) }
func cos(x float64) float64 { return float64(num.Cos(float32(x))) }

// A stream is a source of random numbers of its own: what is drawn from one stream moves no other.
type stream struct{ *rand.PCG }

// The streams of a picture.
const (
	streamQualities = iota
	streamScene
	streamSurface
	streamMotifs
	streamWords
	streamSplit
	streams
)

func newStream(seed uint64, index, which int) stream {
	r := stream{rand.NewPCG(seed, uint64(index)*streams+uint64(which))}
	r.Uint64() // the first numbers of neighboring streams are alike
	r.Uint64()
	return r
}

// unit is in [0, 1).
func (r stream) unit() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// between is in [lo, hi).
func (r stream) between(lo, hi float64) float64 { return mix(lo, hi, r.unit()) }

// pick is one of 0..n-1.
func (r stream) pick(n int) int { return int(r.Uint64() >> 33 % uint64(n)) }

// sign is 1 or -1.
func (r stream) sign() float64 { return float64(1 - 2*r.pick(2)) }

// normal is close to a normal variable of mean 0 and deviation 1: a sum of twelve uniform ones.
func (r stream) normal() float64 {
	sum := -6.0
	for range 12 {
		sum += r.unit()
	}
	return sum
}

// cloud is smooth noise in -1..1 about 0, that varies over a distance of 1.
type cloud [16][16]float64

func newCloud(r stream) *cloud {
	var c cloud
	for i := range c {
		for j := range c[i] {
			c[i][j] = r.between(-1, 1)
		}
	}
	return &c
}

func (c *cloud) at(x, y float64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	i, j := int(fy)&15, int(fx)&15
	k, l := (i+1)&15, (j+1)&15
	tx, ty := step(x-fx, 0, 1), step(y-fy, 0, 1)
	return mix(mix(c[i][j], c[i][l], tx), mix(c[k][j], c[k][l], tx), ty)
}
