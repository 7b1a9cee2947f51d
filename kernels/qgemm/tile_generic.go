package qgemm

import (
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/num"
)

// int8Block and int4Block are a block of a panel as it lies.
type (
	int8Block [blockSteps / 4][panelCols][4]uint8
	int4Block [blockSteps / 8][panelCols][4]uint8
)

// products adds to sum the products of a block of x and of weights.
func (w *int8Block) products(sum *[panelCols]int32, x *[blockSteps]int8) {
	for j := range w {
		x0, x1, x2, x3 := int32(x[4*j]), int32(x[4*j+1]), int32(x[4*j+2]), int32(x[4*j+3])
		for c, q := range &w[j] {
			sum[c] += x0*int32(q[0]) + x1*int32(q[1]) + x2*int32(q[2]) + x3*int32(q[3])
		}
	}
}

func (w *int4Block) products(sum *[panelCols]int32, x *[blockSteps]int8) {
	for j := range w {
		l0, l1, l2, l3 := int32(x[4*j]), int32(x[4*j+1]), int32(x[4*j+2]), int32(x[4*j+3])
		h0, h1, h2, h3 := int32(x[4*j+16]), int32(x[4*j+17]), int32(x[4*j+18]), int32(x[4*j+19])
		for c, q := range &w[j] {
			sum[c] += l0*int32(q[0]&15) + l1*int32(q[1]&15) + l2*int32(q[2]&15) + l3*int32(q[3]&15) +
				h0*int32(q[0]>>4) + h1*int32(q[1]>>4) + h2*int32(q[2]>>4) + h3*int32(q[3]>>4)
		}
	}
}

// tileGeneric is the Go tile of one row for 8 bits and for zero points: the reference that the assembly must equal.
func tileGeneric[W any, P interface {
	*W
	products(*[panelCols]int32, *[blockSteps]int8)
}](blocks int, xp *q8Block, _ int, wp *byte, sp *uint16, beside *byte, wGroup int, dp *float32, _ int, xGroup int) {
	x, w := unsafe.Slice(xp, blocks), unsafe.Slice((*W)(unsafe.Pointer(wp)), blocks)
	groups := (blocks + wGroup - 1) / wGroup
	scales := unsafe.Slice((*[panelCols]uint16)(unsafe.Pointer(sp)), groups)
	var zeros [][panelCols]byte
	if beside != nil {
		zeros = unsafe.Slice((*[panelCols]byte)(unsafe.Pointer(beside)), groups)
	}
	dst := (*[panelCols]float32)(unsafe.Pointer(dp))
	var acc, wScale [panelCols]float32
	for s := 0; s < blocks; s += xGroup {
		if s%wGroup == 0 {
			for c, h := range &scales[s/wGroup] {
				wScale[c] = num.F16ToF32(h)
			}
		}
		var sum [panelCols]int32
		for c := range sum {
			sum[c] = x[s].Offset
			if beside != nil {
				sum[c] *= int32(zeros[s/wGroup][c])
			}
		}
		for b := s; b < min(s+xGroup, blocks); b++ {
			P(&w[b]).products(&sum, &x[b].Q)
		}
		for c, n := range sum {
			acc[c] = num.FMA(float32(n), float32(x[s].Scale*wScale[c]), acc[c])
		}
	}
	*dst = acc
}

// subScalesTileGeneric is the Go tile of one row for 4 bits with sub-scales; offsets of x are of blocks.
func subScalesTileGeneric(blocks int, xp *q8Block, _ int, wp *byte, sp *uint16, beside *byte, wGroup int, dp *float32, _ int, xGroup int) {
	x, w := unsafe.Slice(xp, blocks), unsafe.Slice((*int4Block)(unsafe.Pointer(wp)), blocks)
	subScales := unsafe.Slice((*[panelCols]int8)(unsafe.Pointer(beside)), blocks)
	scales := unsafe.Slice((*[panelCols]uint16)(unsafe.Pointer(sp)), (blocks+wGroup-1)/wGroup)
	dst := (*[panelCols]float32)(unsafe.Pointer(dp))
	var acc [panelCols]float32
	for s := 0; s < blocks; s += xGroup {
		var sum [panelCols]int32
		for b := s; b < min(s+xGroup, blocks); b++ {
			var block [panelCols]int32
			for c := range block {
				block[c] = x[b].Offset
			}
			w[b].products(&block, &x[b].Q)
			for c, n := range block {
				sum[c] += n * int32(subScales[b][c])
			}
		}
		for c, n := range sum {
			acc[c] = num.FMA(float32(n), float32(x[s].Scale*num.F16ToF32(scales[s/wGroup][c])), acc[c])
		}
	}
	*dst = acc
}

// unpackGeneric makes panels of 8 bits of 4 bits with sub-scales: see unpackFunc.
func unpackGeneric(blocks int, wp *byte, beside *byte, _ int, to *byte, bias int) {
	w, subScales := unsafe.Slice((*int4Block)(unsafe.Pointer(wp)), blocks), unsafe.Slice((*[panelCols]int8)(unsafe.Pointer(beside)), blocks)
	out := unsafe.Slice((*int8Block)(unsafe.Pointer(to)), blocks)
	for b := range w {
		for j := range w[b] {
			for c, q := range &w[b][j] {
				m := int(subScales[b][c])
				for i, two := range q {
					out[b][j][c][i] = uint8(m*(int(two&15)-8) + bias)
					out[b][j+len(w[b])][c][i] = uint8(m*(int(two>>4)-8) + bias)
				}
			}
		}
	}
}

// unpackZerosGeneric makes panels of 8 bits of 4 bits with zero points: see unpackFunc.
func unpackZerosGeneric(blocks int, wp *byte, beside *byte, wGroup int, to *byte, bias int) {
	w, zeros := unsafe.Slice((*int4Block)(unsafe.Pointer(wp)), blocks), unsafe.Slice((*[panelCols]byte)(unsafe.Pointer(beside)), (blocks+wGroup-1)/wGroup)
	out := unsafe.Slice((*int8Block)(unsafe.Pointer(to)), blocks)
	for b := range w {
		for j := range w[b] {
			for c, q := range &w[b][j] {
				less := int(zeros[b/wGroup][c]) - bias
				for i, two := range q {
					out[b][j][c][i], out[b][j+len(w[b])][c][i] = uint8(int(two&15)-less), uint8(int(two>>4)-less)
				}
			}
		}
	}
}
