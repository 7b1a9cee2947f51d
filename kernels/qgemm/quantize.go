package qgemm

import (
	"errors"
	"fmt"
	"math"

	"github.com/x448/float16"

	"github.com/loupe-vl/loupe/kernels/gemm"
)

// Quantizing is how weights are quantized.
type Quantizing struct {
	Bits int // 8 or 4
	// Group is how many steps of k share a scale: a multiple of 32. 4 bits without zero points take 32, 64 or a multiple of 128; groups
	// of 32 or 64 are stored as sub-scales of one float16 scale for each 128 weights. 0 is one scale for each row.
	Group      int
	ZeroPoints bool // 4 bits only: each group has a zero of its own, between its least and its greatest weight
}

// Check is an error where weights cannot be quantized so.
func (o Quantizing) Check() error {
	switch {
	case o.Bits != 8 && o.Bits != 4:
		return fmt.Errorf("%d bits; there are 8 and 4", o.Bits)
	case o.ZeroPoints && o.Bits == 8:
		return errors.New("zero points go with 4 bits, not with 8")
	case o.Group < 0 || o.Group%blockSteps != 0:
		return fmt.Errorf("groups of %d; give a multiple of %d, or 0 for whole rows", o.Group, blockSteps)
	case o.Group > 0:
		_, err := o.Packed(0, 0).form().kept(o.Group)
		return err
	}
	return nil
}

// Packed is the weights of a matrix of (rows, cols) that is quantized so, yet without any memory. o must be one that Check accepts.
func (o Quantizing) Packed(rows, cols int) *PackedWeights {
	p := &PackedWeights{Bits: o.Bits, ZeroPoints: o.ZeroPoints, Group: o.Group, Rows: rows, Cols: cols}
	if o.Group == 0 {
		p.Group = max(1, p.blocks()) * blockSteps
	} else if kept, err := p.form().kept(o.Group); err == nil {
		p.Group = kept
	}
	return p
}

// Quantize rounds m to packed weights. each runs a function over [0, n) in pieces, on any threads. A weight that is no number, or a group whose scale no half can hold, is an
// error.
//
// Each form chooses the scale of a group in its own way: see int8.go, int4.go and int4_zeros.go. It is rounded to half precision, and q is
// the nearest to weight/scale + zero, ties to even.
func Quantize(m gemm.Matrix, o Quantizing, each func(n, grain int, f func(lo, hi int))) (*PackedWeights, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	p := o.Packed(m.Rows, m.Cols)
	p.Allocate()
	asked := p.Group
	if o.Group > 0 {
		asked = o.Group
	}
	bad := make([]error, p.count())
	each(p.count(), 1, func(lo, hi int) {
		row := make([]float32, p.blocks()*blockSteps)
		for i := lo; i < hi; i++ {
			bad[i] = p.fill(m, i, asked, row)
		}
	})
	for _, err := range bad {
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// fill quantizes the rows of panel i, where groups of asked steps were asked for; row is scratch.
func (p *PackedWeights) fill(m gemm.Matrix, i, asked int, row []float32) error {
	form := p.form()
	weights, scales, beside := p.panel(i)
	q := make([]uint8, p.Group)
	for c := range panelCols {
		if r := i*panelCols + c; r < p.Rows {
			m.Row(row[:p.Cols], r)
		} else {
			clear(row)
		}
		for g := range p.groups() {
			from := g * p.Group
			group := row[from:min(from+p.Group, len(row))]
			scale, err := form.quantize(p, q[:len(group)], group, asked, beside, g, c)
			if err != nil {
				return fmt.Errorf("row %d, columns %d to %d: %w", i*panelCols+c, from, min(from+p.Group, p.Cols)-1, err)
			}
			scales[g*panelCols+c] = scale
			for at := 0; at < len(group); at += blockSteps {
				form.place(weights[(from+at)/blockSteps*p.blockBytes():][:p.blockBytes()], (*[blockSteps]uint8)(q[at:]), c)
			}
		}
	}
	return nil
}

// extremesOf are the least and the greatest of a group and 0. A weight that is no number is an error.
func extremesOf(group []float32) (least, most float32, err error) {
	least, most = extremes(group)
	if least-least != 0 || most-most != 0 {
		for _, w := range group {
			if w-w != 0 {
				return 0, 0, fmt.Errorf("weight %v cannot be quantized", w)
			}
		}
	}
	return least, most, nil
}

// halfScale is the scale s in half precision, of weights from least to most.
func halfScale(s, least, most float32) (uint16, error) {
	half := float16.Fromfloat32(s).Bits()
	return half, finiteScale(half, least, most)
}

// finiteScale is an error where a scale is infinite.
func finiteScale(half uint16, least, most float32) error {
	if float16.Frombits(half).IsInf(0) {
		return fmt.Errorf("weights from %v to %v are too large to quantize", least, most)
	}
	return nil
}

// extremes are the least and the greatest of x and 0; one that is no number stands for itself. Bits of numbers of one sign are in the
// order of their magnitudes, and integers are compared without branches.
func extremes(x []float32) (least, most float32) {
	var top int32
	var bottom uint32
	for _, v := range x {
		bits := math.Float32bits(v)
		top, bottom = max(top, int32(bits)), max(bottom, bits)
	}
	if bottom >= 1<<31 {
		least = math.Float32frombits(bottom)
	}
	return least, math.Float32frombits(uint32(top))
}

// roundGroup sets q to the integer nearest to each weight over scale, plus zero, but at least low and at most high.
func roundGroup(q []uint8, group []float32, scale, zero float32, low, high int32) {
	if scale == 0 {
		for i := range q {
			q[i] = uint8(zero)
		}
		return
	}
	for i, w := range group[:len(q)] {
		n := int32(math.Float32bits(float32(w/scale)+zero+roundingShift)) - roundingBits
		q[i] = uint8(max(low, min(high, n)))
	}
}

// Adding roundingShift to a number between -2^22 and 2^22 rounds it to the nearest integer, ties to even, in the low bits.
const (
	roundingShift = 0x1.8p23
	roundingBits  = 0x4b400000
)
