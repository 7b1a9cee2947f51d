package vec

import (
	"math"
	"slices"
	"sync"

	"github.com/loupe-vl/loupe/kernels/num"
)

// MostColumns is the most columns that SoftmaxColumns takes side by side.
const MostColumns = 32

// columnLanes are the lanes of a panel's columns: 16 numbers of each, those of all columns side by side.
type columnLanes struct{ tops, sums [16 * MostColumns]float32 }

var columnLanesPool = sync.Pool{New: func() any { return new(columnLanes) }}

// SoftmaxColumns multiplies the panel x, rows of cols columns side by side, by scale and replaces each of its columns by its softmax: the
// bits of [Scale] and [Softmax]. cols is 16 or 32.
func (k *Kernels) SoftmaxColumns(x []float32, cols int, scale float32) {
	if len(x) == 0 {
		return
	}
	l := columnLanesPool.Get().(*columnLanes)
	defer columnLanesPool.Put(l)
	tops, sums := l.tops[:16*cols], l.sums[:16*cols]
	for i := range tops {
		tops[i] = float32(math.Inf(-1))
	}
	for part := range slices.Chunk(x, len(tops)) {
		k.scaleMaxOf(part, scale, tops)
	}
	for n := len(tops) / 2; n >= cols; n /= 2 {
		k.scaleMaxOf(tops[n:2*n], 1, tops)
	}
	repeat(tops, cols)
	clear(sums)
	for part := range slices.Chunk(x, len(sums)) {
		k.expSumOf(part, tops, sums)
	}
	for n := len(sums) / 2; n >= cols; n /= 2 { // as num.Lanes.Total does
		k.Add(sums[:n], sums[:n], sums[n:2*n])
	}
	repeat(sums, cols)
	for part := range slices.Chunk(x, len(sums)) {
		k.divideOf(part, sums)
	}
}

// repeat fills x with copies of its first n numbers.
func repeat(x []float32, n int) {
	for at := n; at < len(x); at += n {
		copy(x[at:], x[:n])
	}
}

// scaleMax sets x to x * s, and tops to the larger of tops and the new x. NaN is never the larger.
func scaleMax(x []float32, s float32, tops []float32) {
	for i := range x {
		x[i] *= s
		if x[i] > tops[i] {
			tops[i] = x[i]
		}
	}
}

// scaleMaxOf is scaleMax, the same bits.
func (k *Kernels) scaleMaxOf(x []float32, s float32, tops []float32) {
	n := k.whole(len(x))
	if n > 0 {
		w := scalarsPool.Get().(*scalars)
		w.a = s
		k.columnsScaleMax(n/width, &x[0], &w.a, &tops[:n][0])
		scalarsPool.Put(w)
	}
	scaleMax(x[n:], s, tops[n:])
}

// expSum sets x to e^(x - tops) and adds that to sums.
func expSum(x, tops, sums []float32) {
	for i := range x {
		x[i] = num.Exp(x[i] - tops[i])
		sums[i] += x[i]
	}
}

// expSumOf is expSum, the same bits.
func (k *Kernels) expSumOf(x, tops, sums []float32) {
	n := k.whole(len(x))
	if n > 0 {
		k.columnsExpSum(n/width, &x[0], &tops[:n][0], &sums[:n][0])
	}
	expSum(x[n:], tops[n:], sums[n:])
}

// divide sets x to x / y.
func divide(x, y []float32) {
	for i := range x {
		x[i] /= y[i]
	}
}

// divideOf is divide, the same bits.
func (k *Kernels) divideOf(x, y []float32) {
	n := k.whole(len(x))
	if n > 0 {
		k.columnsDivide(n/width, &x[0], &y[:n][0])
	}
	divide(x[n:], y[n:])
}
