package gemm

import (
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/num"
)

// tileGeneric is the plain Go tile of 4 x 16: the reference that the assembly must equal.
func tileGeneric(k int, xp, wp, dp *float32, stride int, accumulate int) {
	const mr, nr = 4, 16
	x, w := unsafe.Slice(xp, k*mr), unsafe.Slice(wp, k*nr)
	dst := unsafe.Slice(dp, (mr-1)*stride+nr)
	for r := range mr {
		var acc [nr]float32
		if accumulate != 0 {
			copy(acc[:], dst[r*stride:])
		}
		for i := range k {
			xv := x[i*mr+r]
			for c, wv := range (*[nr]float32)(w[i*nr:]) {
				acc[c] = num.FMA(xv, wv, acc[c])
			}
		}
		copy(dst[r*stride:], acc[:])
	}
}
