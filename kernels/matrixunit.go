package kernels

import "unsafe"

// matrixUnit are the routines for Intel's AMX, which multiplies small matrices of bytes. They compute products of many rows with
// weights of 8 bits, or of 4 bits unpacked to 8, in long spans. The sums of a span are exact integers, so the bits are those of every
// other path. There are no such routines for spans of one block: half of each small matrix would be empty, and scaling would take most
// of the time.
type matrixUnit struct {
	signed signedFunc
	scales spanScalesFunc
	slabs  [2]slabsFunc // of one and of two slabs of x
}

// signedFunc makes signed bytes of so many blocks of 8-bit weights: see signedAMX.
type signedFunc func(blocks int, w, to *byte)

// spanScalesFunc widens the scales of weights to float32, one for each span; per spans in a row share a scale: see spanScalesAMX.
type spanScalesFunc func(spans int, scales *uint16, per int, to *float32)

// slabsFunc multiplies slabs of x with an unpacked panel: see slabs2AMX.
type slabsFunc func(spans int, x *int8, xNext int, xScales *float32, xScalesNext int, w *int8, wScales *float32, work *byte, dst *float32, dstStride int, ahead *byte)

const (
	unitLeast = 7             // rows that are worth a slab
	unitWork  = 8 << 10       // bytes of work that slabsFunc needs
	unitAhead = 8 * cacheLine // bytes that it asks for with each span: as in gen/gemm
)

// takes reports whether the unit computes a product of so many rows.
func (u *matrixUnit) takes(rows int, w *PackedWeights) bool {
	return u != nil && rows >= unitLeast && w.span() == spanBlocks && w.blocks() > 0
}

// multiply computes the columns of panel i for the rows from first on that x.part says, and asks for the weights of panel next.
func (u *matrixUnit) multiply(s *Scratch, j *quantJob, first, i, next int) {
	x, w := &j.slabs, j.w
	weights, scales, beside := w.panel(i)
	memory := s.Panels((unitWork + x.spans*panelCols*(spanSteps+4) + cacheLine) / 4)
	memory = memory[toLine(unsafe.Pointer(&memory[0]))/4:]
	work, wScales, unpacked := &memory[0], &memory[unitWork/4], &memory[unitWork/4+x.spans*panelCols]
	if j.unpacked {
		j.form.unpack(j.blocks, &weights[0], &beside[0], w.per(), (*byte)(unsafe.Pointer(unpacked)), 0)
	} else {
		u.signed(j.blocks, &weights[0], (*byte)(unsafe.Pointer(unpacked)))
	}
	u.scales(x.spans, &scales[0], (w.per()+spanBlocks-1)/spanBlocks, wScales)
	end := min(first+x.part, j.dst.Rows)
	ahead, _, _ := w.panel(next)
	for r := first; r < end; {
		n := min((end-r+slabRows-1)/slabRows, len(u.slabs))
		rows, slab := min(n*slabRows, end-r), r/slabRows*x.spans
		j.tile(s, i, r, rows, n*slabRows, func(dst *float32, stride int) {
			u.slabs[n-1](x.spans, &x.q[slab*slabRows*spanSteps], slabRows*spanSteps*x.spans, &x.scales[slab*slabRows], 4*slabRows*x.spans,
				(*int8)(unsafe.Pointer(unpacked)), wScales, (*byte)(unsafe.Pointer(work)), dst, stride, &ahead[0])
		})
		if asked := unitAhead * x.spans; asked < len(ahead) {
			ahead = ahead[asked:]
		}
		r += rows
	}
}
