package kernels

// lanes are the partial sums of a reduction: element i is added to lane i modulo 16.
type lanes [16]float32

// total joins the lanes: 8 and 8, 4 and 4, 2 and 2, 1 and 1.
func (l *lanes) total() float32 {
	for step := 8; step > 0; step /= 2 {
		for i := range step {
			l[i] += l[i+step]
		}
	}
	return l[0]
}

// add goes on with x, whose first element belongs in lane 0.
func (l *lanes) add(x []float32) {
	for ; len(x) >= 16; x = x[16:] {
		for i, v := range (*[16]float32)(x) {
			l[i] += v
		}
	}
	for i, v := range x {
		l[i] += v
	}
}

// addSquares goes on with the squares of x-mean.
func (l *lanes) addSquares(x []float32, mean float32) {
	for ; len(x) >= 16; x = x[16:] {
		for i, v := range (*[16]float32)(x) {
			l[i] += float32((v - mean) * (v - mean))
		}
	}
	for i, v := range x {
		l[i] += float32((v - mean) * (v - mean))
	}
}

// addProducts goes on with the products of a and b.
func (l *lanes) addProducts(a, b []float32) {
	for i, v := range a {
		l[i%16] += float32(v * b[i])
	}
}

// Sum is the sum of x in the order of lanes.
func Sum(x []float32) float32 {
	var l lanes
	l.add(x)
	return l.total()
}

// SumSquares is the sum of the squares of x-mean in the order of lanes.
func SumSquares(x []float32, mean float32) float32 {
	var l lanes
	l.addSquares(x, mean)
	return l.total()
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
