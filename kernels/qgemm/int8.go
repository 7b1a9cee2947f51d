package qgemm

import (
	"encoding/binary"
	"errors"

	"github.com/loupe-vl/loupe/kernels/num"
)

// int8Form is [PackedWeights] of 8 bits: q from 1 to 255, of which 128 is 0.
type int8Form struct{}

// unpackedZero is what stands for 0 in 8 bits.
const unpackedZero = 128

func (int8Form) kept(group int) (int, error) { return group, nil }

func (int8Form) kernels(ks *Kernels) *formKernels { return &ks.int8 }

func (int8Form) parts(*PackedWeights) []PackedPart { return nil }

func (int8Form) check(p *PackedWeights) error {
	if p.ZeroPoints {
		return errors.New("zero points go with 4 bits, not with 8")
	}
	return nil
}

func (int8Form) activations(p *PackedWeights) q8Options {
	return q8Options{zero: unpackedZero, group: p.xGroup()}
}

func (int8Form) beside(*PackedWeights, int) []byte { return nil }

func (int8Form) scaleOf(p *PackedWeights, scales []uint16, _ []byte, block, c int) (scale float32, zero int) {
	return num.F16ToF32(scales[block/p.groupBlocks()*panelCols+c]), unpackedZero
}

func (int8Form) dequantize(dst []float32, block []byte, c, from int, scale float32, zero int) {
	for i := range dst {
		at := from + i
		dst[i] = scale * float32(int(block[at/4*(4*panelCols)+4*c+at%4])-zero)
	}
}

// quantize: the scale is the largest magnitude over 127, rounded up to half precision, so that no weight is cut off.
func (int8Form) quantize(_ *PackedWeights, q []uint8, group []float32, _ int, _ []byte, _, _ int) (scale uint16, err error) {
	least, most, err := extremesOf(group)
	if err != nil {
		return 0, err
	}
	s := max(most, -least) / 127
	scale, err = halfScale(s, least, most)
	if num.F16ToF32(scale) < s {
		scale++
		err = finiteScale(scale, least, most)
	}
	if err != nil {
		return 0, err
	}
	roundGroup(q, group, num.F16ToF32(scale), unpackedZero, 1, 255)
	return scale, nil
}

func (int8Form) place(block []byte, q *[blockSteps]uint8, c int) {
	for j := 0; j < blockSteps; j += 4 {
		binary.LittleEndian.PutUint32(block[4*c+j/4*(4*panelCols):], binary.LittleEndian.Uint32(q[j:]))
	}
}
