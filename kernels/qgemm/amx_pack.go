package qgemm

import (
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/gemm"
)

const (
	amxRows  = 16      // rows of x in a tile
	amxBytes = 5 << 18 // bytes of x that lie in the second-level cache while all panels meet them
)

// amxLeft is a left operand, packed for AMX: its rows in tiles of 16, and their scales, (tiles, superblocks, 16). A tile holds the first 64
// steps of each of its rows, then the next 64 of each, and so on. Rows and steps that are missing in the last tile and superblock are 0.
type amxLeft struct {
	superblocks int
	part        int // rows, whole pairs of tiles, that meet all panels before the next ones
	q           []int8
	scales      []float32
	memory      []int8
}

// fit makes room for so many rows of so many blocks.
func (x *amxLeft) fit(rows, blocks int) {
	n := (rows + amxRows - 1) / amxRows
	x.superblocks = (blocks + superblock - 1) / superblock
	x.part = 2 * amxRows * gemm.EvenParts((rows+2*amxRows-1)/(2*amxRows), max(1, amxBytes/(2*amxRows*x.superblocks*superblockSteps)), 1)
	size := n * amxRows * x.superblocks * superblockSteps
	if cap(x.memory) < size+cacheLine {
		x.memory = make([]int8, size+cacheLine)
	}
	x.q = x.memory[:cap(x.memory)][toLine(unsafe.Pointer(&x.memory[0])):][:size]
	x.scales = gemm.Grow(&x.scales, n*x.superblocks*amxRows)
	for r := rows; r < n*amxRows; r++ {
		x.put(r, nil)
	}
}

// put writes row r.
func (x *amxLeft) put(r int, row []q8Block) {
	tile, r := r/amxRows, r%amxRows
	q := x.q[tile*x.superblocks*amxRows*superblockSteps:][:x.superblocks*amxRows*superblockSteps]
	for c := range x.superblocks * superblockSteps / cacheLine {
		line := (*[cacheLine]int8)(q[(c*amxRows+r)*cacheLine:])
		if blocks := row[min(2*c, len(row)):]; len(blocks) > 1 {
			*(*[blockSteps]int8)(line[:]), *(*[blockSteps]int8)(line[blockSteps:]) = blocks[0].Q, blocks[1].Q
		} else {
			*line = [cacheLine]int8{}
			if len(blocks) == 1 {
				*(*[blockSteps]int8)(line[:]) = blocks[0].Q
			}
		}
	}
	for s := range x.superblocks {
		scale := float32(0)
		if s*superblock < len(row) {
			scale = row[s*superblock].Scale
		}
		x.scales[(tile*x.superblocks+s)*amxRows+r] = scale
	}
}

// cacheLine is the bytes of a line, and toLine how many there are from p to the next one.
const cacheLine = 64

func toLine(p unsafe.Pointer) int { return int(-uintptr(p) % cacheLine) }
