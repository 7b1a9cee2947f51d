package num

import "math"

// Exp is e^x within one unit of the last place: 0 below -103.98 and +Inf above 88.72, with denormals between. It is the
// reference of the vector forms, so it is plain float32: x = n ln 2 + r with |r| < 0.35, where n ln2High is exact, and
// e^r = 1 + r + r² q(r) with the minimax polynomial q. Every product is rounded before it is added to.
func Exp(x float32) float32 {
	if x > 89 {
		x = 89
	}
	if x < -104 {
		x = -104
	}
	const (
		log2E   = 1.44269504
		ln2High = 0.693359375 // of 9 bits
		ln2Low  = -2.12194440e-4
		// shift rounds: float32 has no fractions above 2^23. The low bits of x log2E + shift are then n + 254.
		shift = 0x1.8p23 + 254
	)
	z := float32(x*log2E) + shift
	n := z - shift
	high := x - float32(n*ln2High) // exact; r is high - low
	low := float32(n * ln2Low)
	r := high - low
	q := float32(0x1.6a543cp-10)
	q = float32(q*r) + 0x1.12398ep-7
	q = float32(q*r) + 0x1.5558aap-5
	q = float32(q*r) + 0x1.555492p-3
	q = float32(q*r) + 0x1.fffffcp-2
	p := 1 + (high + (float32(float32(r*r)*q) - low))

	// Times 2^n in two steps, so that only the last one may round.
	k := math.Float32bits(z)
	half := k >> 1
	return float32(p*math.Float32frombits(half<<23)) * math.Float32frombits((k-half)<<23)
}

// exp is e^x for |x| < 700, to about 1e-11 of its value: x = n ln 2 + r, |r| < 0.35, and a Taylor polynomial of r. Every
// product is rounded before it is added to, so that no compiler fuses it.
func exp(x float64) float64 {
	const ln2High, ln2Low = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	n := math.Floor(float64(x*math.Log2E) + 0.5)
	r := (x - float64(n*ln2High)) - float64(n*ln2Low)
	p := 1.0 / 362880
	p = float64(p*r) + 1.0/40320
	p = float64(p*r) + 1.0/5040
	p = float64(p*r) + 1.0/720
	p = float64(p*r) + 1.0/120
	p = float64(p*r) + 1.0/24
	p = float64(p*r) + 1.0/6
	p = float64(p*r) + 1.0/2
	p = float64(p*r) + 1
	p = float64(p*r) + 1
	return p * math.Float64frombits(uint64(int64(n)+1023)<<52) // 2^n, a normal number here
}

// Sigmoid is 1/(1+e^-x) within two units of the last place. With e = e^-|x| it is 1 - e/(1+e), or below zero e/(1+e), of
// which the rounding of 1+e is then taken back.
func Sigmoid(x float32) float32 {
	const sign = 1 << 31
	bits := math.Float32bits(x)
	e := Exp(math.Float32frombits(bits | sign))
	s := 1 + e
	q := e / s
	if bits&sign == 0 {
		return 1 - q
	}
	lost := e - (s - 1) // exact
	return q - float32(q*lost)
}

// Tanh is the hyperbolic tangent.
func Tanh(x float32) float32 {
	switch v := float64(x); {
	case v > 20:
		return 1
	case v < -20:
		return -1
	case math.Abs(v) < 0.04: // the quotient below would lose its leading bits: x - x³/3 + 2x⁵/15 - 17x⁷/315
		s := float64(v * v)
		p := float64(s*(-17.0/315)) + 2.0/15
		p = float64(p*s) - 1.0/3
		return float32(v + float64(v*float64(p*s)))
	default:
		e := exp(float64(2 * v))
		return float32((e - 1) / (e + 1))
	}
}

// Erf is the error function within two units of the last place: x + x p(x²) near zero, and 1 - e^(t q(t)) of t = |x| beyond,
// which is 1 from 4 on. p and q are minimax polynomials.
func Erf(x float32) float32 {
	t := float32(math.Abs(float64(x)))
	if t > 4 {
		t = 4
	}
	if s := float32(t * t); t < 0.9 {
		p := float32(-0x1.3ec7ep-11)
		p = float32(p*s) + 0x1.485268p-8
		p = float32(p*s) - 0x1.b6b7d2p-6
		p = float32(p*s) + 0x1.ce1d3ap-4
		p = float32(p*s) - 0x1.8126f4p-2
		p = float32(p*s) + 0x1.06eba6p-3
		return x + float32(x*p)
	}
	q := float32(0x1.c117e2p-13)
	q = float32(q*t) - 0x1.a593d8p-9
	q = float32(q*t) + 0x1.771c46p-6
	q = float32(q*t) - 0x1.af2fd6p-4
	q = float32(q*t) - 0x1.457bf8p-1
	q = float32(q*t) - 0x1.20e676p+0
	return float32(math.Copysign(float64(1-Exp(float32(t*q))), float64(x)))
}
