package num

// Lanes are the 16 partial sums of a reduction: element i is added to lane i modulo 16. Every sum that is not a matrix product goes this
// way on every machine, so that all give the same bits.
type Lanes [16]float32

// Total joins the lanes in a tree: each of the first 8 takes the one 8 after it, then each of the first 4 the one 4 after it, and so on.
// It overwrites the lanes.
func (l *Lanes) Total() float32 {
	for step := 8; step > 0; step /= 2 {
		for i := range step {
			l[i] += l[i+step]
		}
	}
	return l[0]
}

// Add adds the elements of x, whose first one belongs in lane 0.
func (l *Lanes) Add(x []float32) {
	for ; len(x) >= 16; x = x[16:] {
		for i, v := range (*[16]float32)(x) {
			l[i] += v
		}
	}
	for i, v := range x {
		l[i] += v
	}
}

// AddSquares adds the squares of x-mean.
func (l *Lanes) AddSquares(x []float32, mean float32) {
	for ; len(x) >= 16; x = x[16:] {
		for i, v := range (*[16]float32)(x) {
			l[i] += float32((v - mean) * (v - mean))
		}
	}
	for i, v := range x {
		l[i] += float32((v - mean) * (v - mean))
	}
}

// AddProducts adds the products of a and b, element by element.
func (l *Lanes) AddProducts(a, b []float32) {
	for i, v := range a {
		l[i%16] += float32(v * b[i])
	}
}

// Sum is the sum of x in the order of [Lanes].
func Sum(x []float32) float32 {
	var l Lanes
	l.Add(x)
	return l.Total()
}

// SumSquares is the sum of the squares of x-mean in the order of [Lanes].
func SumSquares(x []float32, mean float32) float32 {
	var l Lanes
	l.AddSquares(x, mean)
	return l.Total()
}

// ArgMax is the index of the largest element, the first among equals; NaN is never the largest.
func ArgMax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] || x[best] != x[best] {
			best = i
		}
	}
	return best
}

// FirstNonFinite is the index of the first element that is infinite or NaN, or -1.
func FirstNonFinite(x []float32) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}
