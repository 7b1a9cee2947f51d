package num

import "math"

// RotaryFrequencies are the dim/2 inverse frequencies of rotary position embedding, theta^(-2j/dim), rounded where the
// reference rounds: 1 / float32(theta ** float32(2j/dim)).
func RotaryFrequencies(dim int, theta float64) []float32 {
	out := make([]float32, dim/2)
	for j := range out {
		e := float32(2*j) / float32(dim)
		out[j] = 1 / float32(exp(float64(float64(e)*Log(theta))))
	}
	return out
}

// Log is the natural logarithm of x > 0, to about 1e-15 of its value; the same bits on every machine, which math.Log does
// not promise.
func Log(x float64) float64 {
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	// ln m = 2 atanh(s) = 2 (s + s³/3 + s⁵/5 + ...), |s| < 0.172
	s := (m - 1) / (m + 1)
	s2 := float64(s * s)
	sum := 0.0
	for n := 27; n >= 3; n -= 2 {
		sum = float64((sum + 1/float64(n)) * s2)
	}
	ln := float64(2*s) + float64(float64(2*s)*sum)
	return float64(float64(k)*math.Ln2) + ln
}
