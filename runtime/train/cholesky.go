package train

import "math"

// symmetric is a positive definite matrix (n, n) in rows, of which the lower triangle counts. Its methods do not use
// gonum/mat, which sums in another order on each kind of processor: a fitted head must have the same bits on all of them.
type symmetric struct {
	n    int
	data []float64
}

func newSymmetric(n int) symmetric { return symmetric{n, make([]float64, n*n)} }

func (s symmetric) row(i int) []float64 { return s.data[i*s.n : (i+1)*s.n] }

// dot is the sum of products in four lanes, by index modulo 4, added two by two.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i] * b[i])
		s1 += float64(a[i+1] * b[i+1])
		s2 += float64(a[i+2] * b[i+2])
		s3 += float64(a[i+3] * b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// factor is the Cholesky factor L of s + ridge*I = L Lᵀ; false where that is not positive definite.
func (s symmetric) factor(ridge float64) (symmetric, bool) {
	l := newSymmetric(s.n)
	for i := range s.n {
		to := l.row(i)
		for j := range i {
			to[j] = (s.row(i)[j] - dot(to[:j], l.row(j)[:j])) / l.row(j)[j]
		}
		d := s.row(i)[i] + ridge - dot(to[:i], to[:i])
		if !(d > 0) {
			return l, false
		}
		to[i] = math.Sqrt(d)
	}
	return l, true
}

// forward solves L y = b in place.
func (s symmetric) forward(b []float64) {
	for i := range s.n {
		b[i] = (b[i] - dot(s.row(i)[:i], b[:i])) / s.row(i)[i]
	}
}

// solve solves L Lᵀ x = b in place.
func (s symmetric) solve(b []float64) {
	s.forward(b)
	for i := s.n - 1; i >= 0; i-- {
		b[i] /= s.row(i)[i]
		for j := range i {
			b[j] -= float64(s.row(i)[j] * b[i])
		}
	}
}
