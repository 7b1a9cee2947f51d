package num

import "math"

// Sin is the sine of x radians, correctly rounded but for rare ties while |x| < 1e6.
func Sin(x float32) float32 {
	s, _ := sincos(float64(x))
	return float32(s)
}

// Cos is the cosine of x radians, under Sin's terms.
func Cos(x float32) float32 {
	_, c := sincos(float64(x))
	return float32(c)
}

// sincos reduces x by multiples of pi/2, whose three parts of 33 bits each are multiplied exactly (Cody and Waite), and
// evaluates the Taylor polynomials on what is left, at most pi/4.
func sincos(x float64) (sin, cos float64) {
	if math.IsInf(x, 0) || x != x {
		return math.NaN(), math.NaN()
	}
	const pio2A, pio2B, pio2C = 1.57079632673412561417e+00, 6.07710050630396597660e-11, 2.02226624871116645580e-21
	n := math.Floor(float64(x*(2/math.Pi)) + 0.5)
	r := ((x - float64(n*pio2A)) - float64(n*pio2B)) - float64(n*pio2C)
	z := float64(r * r)
	s := float64(z*(1.0/6227020800)) - 1.0/39916800
	s = float64(s*z) + 1.0/362880
	s = float64(s*z) - 1.0/5040
	s = float64(s*z) + 1.0/120
	s = float64(s*z) - 1.0/6
	s = r + float64(r*float64(s*z))
	c := float64(z*(-1.0/87178291200)) + 1.0/479001600
	c = float64(c*z) - 1.0/3628800
	c = float64(c*z) + 1.0/40320
	c = float64(c*z) - 1.0/720
	c = float64(c*z) + 1.0/24
	c = float64(c*z) - 0.5
	c = 1 + float64(c*z)
	switch int64(n) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	}
	return -c, s
}
