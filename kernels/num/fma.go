package num

import "math"

// FMA is a*b + c rounded once to float32: what the fused multiply-add instructions compute.
//
// The product of two float32 is exact in float64, so s = a*b + c in float64 has one rounding, and the conversion to
// float32 is a second. Two roundings differ from one only where s lies exactly between two float32: rounding is monotone
// and every such midpoint is a float64, so if the exact sum is below a midpoint, s is below it or on it. For a normal
// result the midpoints have the low 29 bits 1 0000...0; there, and in float32's denormal range, where they lie
// elsewhere, s is first rounded to odd, which keeps the side on which the exact sum lies (Boldo and Melquiond, 2008).
func FMA(a, b, c float32) float32 {
	s := float64(float64(a)*float64(b)) + float64(c)
	if bits := math.Float64bits(s); bits&(1<<29-1) != 1<<28 && bits&^(1<<63) >= 0x381<<52 {
		return float32(s)
	}
	return fmaOdd(a, b, c)
}

// fmaOdd is FMA by way of rounding to odd, for every argument.
func fmaOdd(a, b, c float32) float32 {
	p, z := float64(float64(a)*float64(b)), float64(c)
	s := p + z
	if s == 0 || math.IsInf(s, 0) || math.IsNaN(s) {
		return float32(s)
	}
	v := s - p // two-sum (Knuth): s + err is the exact sum
	err := (p - (s - v)) + (z - v)
	if bits := math.Float64bits(s); err != 0 && bits&1 == 0 {
		if (err > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}
