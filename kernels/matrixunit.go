package kernels

import "unsafe"

// matrixUnit are the routines of a processor with a unit that multiplies small matrices of bytes, for products of many rows with
// 8-bit weights, or ones that are unpacked to 8 bits, in long spans: Intel's AMX. The sums of a span are exact integers, so that the bits are those of every other way.
// Where spans are of one block there are no such routines: half of each small matrix would be empty, and scaling take most of the time.
type matrixUnit struct {
	signed signedFunc
	scales spanScalesFunc
	slabs  [2]slabsFunc // of one and of two slabs of x
}

// signedFunc makes signed bytes of so many blocks of 8-bit weights: see signedAMX.
type signedFunc func(blocks int, w, to *byte)

// spanScalesFunc widens the scales of so many spans, of which each per have one: see spanScalesAMX.
type spanScalesFunc func(spans int, scales *uint16, per int, to *float32)

// slabsFunc multiplies slabs of x with an unpacked panel: see slabs2AMX.
type slabsFunc func(spans int, x *int8, xNext int, xScales *float32, xScalesNext int, w *int8, wScales *float32, work *byte, dst *float32, dstStride int, ahead *byte)

const (
	slabRows  = 16            // rows of x in a slab
	unitLeast = 7             // rows that are worth a slab
	unitX     = 5 << 18       // bytes of x that lie in the second-level cache while all panels meet them
	unitWork  = 8 << 10       // bytes of work that slabsFunc needs
	unitAhead = 8 * cacheLine // bytes that it asks for with each span
)

// takes reports whether the unit computes a product of so many rows.
func (u *matrixUnit) takes(rows int, w *Panels) bool {
	return u != nil && rows >= unitLeast && w.span() == spanBlocks && w.blocks() > 0
}

// slabs is a left operand as a matrixUnit takes it: its rows in slabs of 16, of which each holds 64 steps of every row and then the next
// 64, and their scales, (slabs, spans, 16). Rows and steps that are missing in the last slab and span are 0.
type slabs struct {
	spans  int
	part   int // rows, whole pairs of slabs, that meet all panels before the next ones
	q      []int8
	scales []float32
	memory []int8
}

// fit makes room for so many rows of so many blocks.
func (x *slabs) fit(rows, blocks int) {
	n := (rows + slabRows - 1) / slabRows
	x.spans = (blocks + spanBlocks - 1) / spanBlocks
	x.part = 2 * slabRows * evenParts((rows+2*slabRows-1)/(2*slabRows), max(1, unitX/(2*slabRows*x.spans*spanSteps)), 1)
	size := n * slabRows * x.spans * spanSteps
	if cap(x.memory) < size+cacheLine {
		x.memory = make([]int8, size+cacheLine)
	}
	x.q = x.memory[:cap(x.memory)][toLine(unsafe.Pointer(&x.memory[0])):][:size]
	x.scales = grow(&x.scales, n*x.spans*slabRows)
	for r := rows; r < n*slabRows; r++ {
		x.put(r, nil)
	}
}

// put writes row r.
func (x *slabs) put(r int, row []xBlock) {
	slab, r := r/slabRows, r%slabRows
	q := x.q[slab*x.spans*slabRows*spanSteps:][:x.spans*slabRows*spanSteps]
	for c := range x.spans * spanSteps / cacheLine {
		line := (*[cacheLine]int8)(q[(c*slabRows+r)*cacheLine:])
		if blocks := row[min(2*c, len(row)):]; len(blocks) > 1 {
			*(*[blockSteps]int8)(line[:]), *(*[blockSteps]int8)(line[blockSteps:]) = blocks[0].Q, blocks[1].Q
		} else {
			*line = [cacheLine]int8{}
			if len(blocks) == 1 {
				*(*[blockSteps]int8)(line[:]) = blocks[0].Q
			}
		}
	}
	for s := range x.spans {
		scale := float32(0)
		if s*spanBlocks < len(row) {
			scale = row[s*spanBlocks].Scale
		}
		x.scales[(slab*x.spans+s)*slabRows+r] = scale
	}
}

// multiply computes the columns of panel i for the rows from first on that x.part says, and asks for the weights of panel next.
func (u *matrixUnit) multiply(s *Scratch, j *quantJob, first, i, next int) {
	x, w := &j.slabs, j.w
	weights, scales, more := w.panel(i)
	memory := grow(&s.panels, (unitWork+x.spans*panelCols*(spanSteps+4)+cacheLine)/4)
	memory = memory[toLine(unsafe.Pointer(&memory[0]))/4:]
	work, wScales, unpacked := &memory[0], &memory[unitWork/4], &memory[unitWork/4+x.spans*panelCols]
	if j.unpacked {
		j.routines.unpack[j.w.form()](j.blocks, &weights[0], &more[0], w.per(), (*byte)(unsafe.Pointer(unpacked)), 0)
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

// cacheLine is the bytes of a line, and toLine how many there are from p to the next one.
const cacheLine = 64

func toLine(p unsafe.Pointer) int { return int(-uintptr(p) % cacheLine) }
