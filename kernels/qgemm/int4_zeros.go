package qgemm

import (
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels/num"
)

// int4ZerosForm is [PackedWeights] of 4 bits with a zero point for each row and group, as AWQ and GPTQ have it.
type int4ZerosForm struct{ nibbles }

const mostZero = 127 // so that q - zero is a signed byte

func (int4ZerosForm) kept(group int) (int, error) { return group, nil }

func (int4ZerosForm) kernels(ks *Kernels) *formKernels { return &ks.int4Zeros }

func (int4ZerosForm) parts(p *PackedWeights) []PackedPart {
	return []PackedPart{{Name: "zeros", DType: "U8", Shape: []int{p.count(), p.groups(), panelCols}, Bytes: &p.Zeros}}
}

func (int4ZerosForm) check(p *PackedWeights) error {
	for i, z := range p.Zeros {
		if z > mostZero {
			return fmt.Errorf("zero point %d is %d; they are at most %d", i, z, mostZero)
		}
	}
	return nil
}

// activations have a zero point of 1: the kernel multiplies by that of each column.
func (int4ZerosForm) activations(p *PackedWeights) q8Options {
	return q8Options{zero: 1, group: p.xGroup()}
}

func (int4ZerosForm) beside(p *PackedWeights, i int) []byte {
	n := p.groups() * panelCols
	return p.Zeros[i*n:][:n]
}

func (int4ZerosForm) scaleOf(p *PackedWeights, scales []uint16, beside []byte, block, c int) (scale float32, zero int) {
	at := block/p.groupBlocks()*panelCols + c
	return num.F16ToF32(scales[at]), int(beside[at])
}

// quantize: the scale is (max-min)/15 with min <= 0 <= max.
func (int4ZerosForm) quantize(_ *PackedWeights, q []uint8, group []float32, _ int, beside []byte, g, c int) (scale uint16, err error) {
	least, most, err := extremesOf(group)
	if err != nil {
		return 0, err
	}
	if scale, err = halfScale((most-least)/15, least, most); err != nil {
		return 0, err
	}
	zero := uint8(int4Zero)
	if f := num.F16ToF32(scale); f != 0 {
		zero = uint8(min(15, max(0, math.RoundToEven(float64(-least/f)))))
	}
	beside[g*panelCols+c] = zero
	roundGroup(q, group, num.F16ToF32(scale), float32(zero), 0, 15)
	return scale, nil
}
