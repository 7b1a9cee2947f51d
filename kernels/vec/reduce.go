package vec

import (
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels/num"
)

// Sum is [num.Sum], the same bits.
func (k *Kernels) Sum(x []float32) float32 {
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	return k.sumOf(w, x)
}

func (k *Kernels) sumOf(w *scalars, x []float32) float32 {
	w.lanes = num.Lanes{}
	n := k.whole(len(x))
	if n > 0 {
		k.sum(n/width, &x[0], &w.lanes[0])
	}
	w.lanes.Add(x[n:])
	return w.lanes.Total()
}

// sumSquaresOf is [num.SumSquares], the same bits. It leaves mean in w.a.
func (k *Kernels) sumSquaresOf(w *scalars, x []float32, mean float32) float32 {
	w.lanes, w.a = num.Lanes{}, mean
	n := k.whole(len(x))
	if n > 0 {
		k.sumSquares(n/width, &x[0], &w.a, &w.lanes[0])
	}
	w.lanes.AddSquares(x[n:], mean)
	return w.lanes.Total()
}

// maximumOf sets the lanes of w to the largest elements of x, NaN aside. x has at least width elements, and k has routines.
func (k *Kernels) maximumOf(w *scalars, x []float32) {
	for i := range w.lanes {
		w.lanes[i] = float32(math.Inf(-1))
	}
	k.maximum(len(x)/width, &x[0], &w.lanes[0])
	k.maximum(1, &x[len(x)-width], &w.lanes[0]) // the last ones, some for the second time
}

// ArgMax is [num.ArgMax]: the first element that equals the largest.
func (k *Kernels) ArgMax(x []float32) int {
	n := k.whole(len(x))
	if n == 0 {
		return num.ArgMax(x)
	}
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	k.maximumOf(w, x)
	if i := slices.Index(x, slices.Max(w.lanes[:])); i >= 0 {
		return i
	}
	return num.ArgMax(x) // all is NaN
}

// FirstNonFinite is [num.FirstNonFinite].
func (k *Kernels) FirstNonFinite(x []float32) int {
	n := k.whole(len(x))
	if n > 0 {
		w := scalarsPool.Get().(*scalars)
		defer scalarsPool.Put(w)
		w.lanes = num.Lanes{}
		k.nonFinite(n/width, &x[0], &w.lanes[0])
		if w.lanes != (num.Lanes{}) {
			return num.FirstNonFinite(x)
		}
	}
	if i := num.FirstNonFinite(x[n:]); i >= 0 {
		return n + i
	}
	return -1
}
