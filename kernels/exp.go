package kernels

import "math"

// Exp is e^x, correctly rounded but for rare ties: the float64 polynomial below rounded once to float32. It is 0 below
// -104 and +Inf above 88.73.
func Exp(x float32) float32 {
	switch {
	case x != x:
		return x
	case x > 89:
		return float32(math.Inf(1))
	case x < -104:
		return 0
	}
	return float32(exp(float64(x)))
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

// Sigmoid is 1/(1+e^-x).
func Sigmoid(x float32) float32 {
	if x < -700 || x > 700 || x != x {
		return float32(1 / (1 + math.Exp(float64(-x)))) // 0, 1 or NaN on every machine
	}
	return float32(1 / (1 + exp(-float64(x))))
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

// Erf is the error function: 2/sqrt(pi) x e^(-x²) times the series of (2x²)^n / (1·3·5···(2n+1)), whose terms are all
// positive (Abramowitz and Stegun 7.1.6).
func Erf(x float32) float32 {
	v := float64(x)
	switch {
	case x != x:
		return x
	case v > 4:
		return 1
	case v < -4:
		return -1
	}
	s := float64(2 * float64(v*v))
	sum, term := 1.0, 1.0
	for n := 3.0; term > 1e-12*sum; n += 2 {
		term = float64(term * s / n)
		sum += term
	}
	const twoOverSqrtPi = 1.12837916709551257390
	return float32(float64(twoOverSqrtPi*v) * float64(exp(-float64(s/2))*sum))
}
