package qgemm

import (
	"sync"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/gemm"
)

// amxKernels are for Intel's AMX, whose tiles multiply small matrices of bytes. They compute products of many rows with weights of 8 bits,
// or of 4 bits unpacked to 8, in groups of whole superblocks. The sums of a superblock are exact integers, so the bits are those of every
// other kernel. There are none for groups of one block: half of each tile would be empty, and scaling would take most of the time.
type amxKernels struct {
	signed signedFunc
	scales groupScalesFunc
	tiles  [2]amxTileFunc // of 16 and of 32 rows of x
}

// signedFunc makes signed bytes of so many blocks of 8-bit weights: see signedAMX.
type signedFunc func(blocks int, w, to *byte)

// groupScalesFunc widens the scales of weights to float32, one for each superblock; wGroup superblocks in a row share a scale: see
// groupScalesAMX.
type groupScalesFunc func(superblocks int, scales *uint16, wGroup int, to *float32)

// amxTileFunc multiplies tiles of x with an unpacked panel: see tile32AMX.
type amxTileFunc func(superblocks int, x *int8, xNext int, xScales *float32, xScalesNext int, w *int8, wScales *float32, work *byte, dst *float32, dstStride int, ahead *byte)

const (
	amxLeastRows = 7             // rows that are worth a tile
	amxWork      = 8 << 10       // bytes of work that amxTileFunc needs
	amxAhead     = 8 * cacheLine // bytes that it prefetches with each superblock: as in gen/gemm
)

// takes reports whether AMX computes a product of so many rows.
func (a *amxKernels) takes(rows int, w *PackedWeights) bool {
	return a != nil && rows >= amxLeastRows && w.xGroup() == superblock && w.blocks() > 0
}

// multiply computes the columns of panel i for the rows from first on that j.left.part says, and prefetches the weights of panel next.
func (a *amxKernels) multiply(s *gemm.Scratch, j *job, first, i, next int) {
	x, w := &j.left, j.w
	weights, scales, beside := w.panel(i)
	memory := s.Panels((amxWork + x.superblocks*panelCols*(superblockSteps+4) + cacheLine) / 4)
	memory = memory[toLine(unsafe.Pointer(&memory[0]))/4:]
	work, wScales, unpacked := &memory[0], &memory[amxWork/4], &memory[amxWork/4+x.superblocks*panelCols]
	if j.unpacked {
		j.form.unpack(j.blocks, &weights[0], &beside[0], w.groupBlocks(), (*byte)(unsafe.Pointer(unpacked)), 0)
	} else {
		a.signed(j.blocks, &weights[0], (*byte)(unsafe.Pointer(unpacked)))
	}
	a.scales(x.superblocks, &scales[0], (w.groupBlocks()+superblock-1)/superblock, wScales)
	end := min(first+x.part, j.dst.Rows)
	ahead, _, _ := w.panel(next)
	for r := first; r < end; {
		n := min((end-r+amxRows-1)/amxRows, len(a.tiles))
		rows, at := min(n*amxRows, end-r), r/amxRows*x.superblocks
		j.tile(s, i, r, rows, n*amxRows, func(dst *float32, stride int) {
			a.tiles[n-1](x.superblocks, &x.q[at*amxRows*superblockSteps], amxRows*superblockSteps*x.superblocks, &x.scales[at*amxRows], 4*amxRows*x.superblocks,
				(*int8)(unsafe.Pointer(unpacked)), wScales, (*byte)(unsafe.Pointer(work)), dst, stride, &ahead[0])
		})
		if asked := amxAhead * x.superblocks; asked < len(ahead) {
			ahead = ahead[asked:]
		}
		r += rows
	}
}

// rowPool holds rows of x, quantized, before they are packed for AMX.
var rowPool = sync.Pool{New: func() any { return new([]q8Block) }}

// amxRows quantizes rows [lo, hi) of x and packs them for AMX.
func (j *job) amxRows(lo, hi int) {
	row := rowPool.Get().(*[]q8Block)
	defer rowPool.Put(row)
	if cap(*row) < j.blocks {
		*row = make([]q8Block, j.blocks)
	}
	blocks := (*row)[:j.blocks]
	for r := lo; r < hi; r++ {
		j.row(blocks, r)
		j.left.put(r, blocks)
	}
}
