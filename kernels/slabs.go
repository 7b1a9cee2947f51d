package kernels

import (
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/gemm"
)

const (
	slabRows = 16      // rows of x in a slab
	slabsX   = 5 << 18 // bytes of x that lie in the second-level cache while all panels meet them
)

// slabs is a left operand as a matrixUnit takes it: its rows in slabs of 16, and their scales, (slabs, spans, 16). A slab holds the first
// 64 steps of each of its rows, then the next 64 of each, and so on. Rows and steps that are missing in the last slab and span are 0.
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
	x.part = 2 * slabRows * gemm.EvenParts((rows+2*slabRows-1)/(2*slabRows), max(1, slabsX/(2*slabRows*x.spans*spanSteps)), 1)
	size := n * slabRows * x.spans * spanSteps
	if cap(x.memory) < size+cacheLine {
		x.memory = make([]int8, size+cacheLine)
	}
	x.q = x.memory[:cap(x.memory)][toLine(unsafe.Pointer(&x.memory[0])):][:size]
	x.scales = gemm.Grow(&x.scales, n*x.spans*slabRows)
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

// cacheLine is the bytes of a line, and toLine how many there are from p to the next one.
const cacheLine = 64

func toLine(p unsafe.Pointer) int { return int(-uintptr(p) % cacheLine) }
