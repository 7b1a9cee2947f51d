package gemm

import "unsafe"

// PackLeftFunc transposes part of the left operand of a product: dst[j*mr+i] = element (r+i, k+j) of x, for i below rows and j
// below steps. See packLeftGeneric.
type PackLeftFunc func(dst []float32, mr int, x View, r, rows, k, steps int)

// packLeftGeneric is the plain Go PackLeftFunc.
func packLeftGeneric(dst []float32, mr int, x View, r, rows, k, steps int) {
	for i := range rows {
		at := (r+i)*x.RowStride + k*x.ColStride
		for j := range steps {
			dst[j*mr+i] = x.Data[at]
			at += x.ColStride
		}
	}
}

// packTiles lays tiles [lo, hi) of x out as the tile kernel reads them: mr rows side by side for each k, zeros below the last.
func (ks *Kernels) packTiles(packed []float32, x View, lo, hi int) {
	k := x.Cols
	tiles := ks.tiles(x.Rows)
	if x.RowStride == 1 && x.ColStride != 1 {
		ks.packTilesBySteps(packed, x, lo, hi)
		return
	}
	steps := kcFor(k)
	for k0 := 0; k0 < k; k0 += steps {
		kc := min(steps, k-k0)
		for t := lo; t < hi; t++ {
			out := packed[(k0*tiles+t*kc)*ks.MR:][:ks.MR*kc]
			rows := min(ks.MR, x.Rows-t*ks.MR)
			ks.prefetchTile(x, (t+1)*ks.MR, k0, kc)
			if rows < ks.MR {
				clear(out)
			}
			ks.PackLeft(out, ks.MR, x, t*ks.MR, rows, k0, kc)
		}
	}
}

// packTilesBySteps is packTiles where the rows of a step lie side by side: it reads step after step, as they lie.
func (ks *Kernels) packTilesBySteps(packed []float32, x View, lo, hi int) {
	mr, tiles, steps := ks.MR, ks.tiles(x.Rows), kcFor(x.Cols)
	for k := range x.Cols {
		k0 := k / steps * steps
		kc := min(steps, x.Cols-k0)
		for t := lo; t < hi; t++ {
			out := packed[(k0*tiles+t*kc+k-k0)*mr:][:mr]
			from := x.Data[t*mr+k*x.ColStride:]
			switch rows := x.Rows - t*mr; {
			case rows < mr:
				clear(out[copy(out, from[:rows]):])
			case mr == 12: // a few moves, where copy, and one array's assignment to another that may overlap it, is a call
				row := [12]float32(from)
				*(*[12]float32)(out) = row
			default:
				copy(out, from)
			}
		}
	}
}

// prefetchTile prefetches steps [k0, k0+kc) of the rows of a tile, from r on. Runs of memory that short are over before the
// processor's own prefetching begins.
func (ks *Kernels) prefetchTile(x View, r, k0, kc int) {
	if ks.Prefetch == nil || x.ColStride != 1 {
		return
	}
	for end := min(r+ks.MR, x.Rows); r < end; r++ {
		ks.Prefetch((4*kc+63)/64, unsafe.Pointer(&x.Data[r*x.RowStride+k0]))
	}
}
