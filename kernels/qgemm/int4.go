package qgemm

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/x448/float16"

	"github.com/loupe-vl/loupe/kernels/num"
)

// nibbles is what both forms of 4 bits share: two steps in a byte, 16 apart.
type nibbles struct{}

func (nibbles) dequantize(dst []float32, block []byte, c, from int, scale float32, zero int) {
	for i := range dst {
		at := (from + i) % (blockSteps / 2)
		b := block[at/4*(4*panelCols)+4*c+at%4] >> ((from + i) / (blockSteps / 2) * 4)
		dst[i] = scale * float32(int(b&15)-zero)
	}
}

func (nibbles) place(block []byte, q *[blockSteps]uint8, c int) {
	for j := 0; j < blockSteps/2; j += 4 {
		near, far := binary.LittleEndian.Uint32(q[j:]), binary.LittleEndian.Uint32(q[j+blockSteps/2:])
		binary.LittleEndian.PutUint32(block[4*c+j/4*(4*panelCols):], near|far<<4)
	}
}

// int4Form is [PackedWeights] of 4 bits without zero points: q from 0 to 15, of which 8 is 0, and a sub-scale for each row and block.
// Groups of 32 or 64 are stored as sub-scales of one scale for each 128 weights.
type int4Form struct{ nibbles }

const (
	int4Zero     = 8  // q of a weight that is 0
	mostSubScale = 15 // so that sub-scale * (q - 8) is a signed byte
)

func (int4Form) kept(group int) (int, error) {
	if group != blockSteps && group != 2*blockSteps && group%superblockSteps != 0 {
		return 0, fmt.Errorf("groups of %d; of 4 bits without zero points they are 32, 64 or a multiple of %d, or 0 for whole rows", group, superblockSteps)
	}
	return max(group, superblockSteps), nil
}

func (int4Form) kernels(ks *Kernels) *formKernels { return &ks.int4 }

func (int4Form) parts(p *PackedWeights) []PackedPart {
	return []PackedPart{{Name: "multiples", DType: "I8", Shape: []int{p.count(), p.blocks(), panelCols}, Bytes: &p.SubScales}}
}

func (int4Form) check(p *PackedWeights) error {
	if p.xGroup() != superblock {
		return fmt.Errorf("groups of %d with one scale; 4 bits without zero points have a multiple of %d or whole rows", p.Group, superblockSteps)
	}
	for i, s := range p.SubScales {
		if s := int8(s); s < -mostSubScale || s > mostSubScale {
			return fmt.Errorf("multiple %d of a scale is %d; they are between %d and %d", i, s, -mostSubScale, mostSubScale)
		}
	}
	return nil
}

// activations: the kernel multiplies the sum of each block by its sub-scale, so each block has an offset of its own.
func (int4Form) activations(p *PackedWeights) q8Options {
	return q8Options{zero: int4Zero, group: p.xGroup(), blockOffsets: true}
}

func (int4Form) beside(p *PackedWeights, i int) []byte {
	n := p.blocks() * panelCols
	return p.SubScales[i*n:][:n]
}

func (int4Form) scaleOf(p *PackedWeights, scales []uint16, beside []byte, block, c int) (scale float32, zero int) {
	return num.F16ToF32(scales[block/p.groupBlocks()*panelCols+c]) * float32(int8(beside[block*panelCols+c])), int4Zero
}

// quantize: each group that was asked for wants a scale that makes its weight of largest magnitude -8. What is kept is the largest of
// these over 15, and a sub-scale is the whole multiple of it that is nearest to what its block wants. Where the group that was asked for has a
// scale of its own, sub-scales are 1 or -1.
func (int4Form) quantize(p *PackedWeights, q []uint8, group []float32, asked int, beside []byte, g, c int) (scale uint16, err error) {
	var wanted [superblock]float32 // of the parts of a group; one where it has one
	parts, largest := (len(group)+asked-1)/asked, float32(0)
	for i := range parts {
		least, most, err := extremesOf(group[i*asked : min((i+1)*asked, len(group))])
		if err != nil {
			return 0, err
		}
		far := least
		if most > -least {
			far = most
		}
		half, err := halfScale(far/-int4Zero, least, most)
		if err != nil {
			return 0, err
		}
		wanted[i] = num.F16ToF32(half)
		largest = max(largest, max(wanted[i], -wanted[i]))
	}
	most := float32(mostSubScale)
	if asked >= p.Group {
		most = 1
	}
	scale = float16.Fromfloat32(largest / most).Bits()
	unit := num.F16ToF32(scale)
	for i := range parts {
		sub := float32(1)
		if unit > 0 {
			sub = max(1, min(most, float32(math.RoundToEven(float64(max(wanted[i], -wanted[i])/unit)))))
		}
		sub = float32(math.Copysign(float64(sub), float64(wanted[i])))
		from, to := i*asked, min((i+1)*asked, len(group))
		roundGroup(q[from:to], group[from:to], sub*unit, int4Zero, 0, 15)
		for b := from / blockSteps; b < to/blockSteps; b++ {
			beside[(g*p.groupBlocks()+b)*panelCols+c] = byte(int8(sub))
		}
	}
	return scale, nil
}
