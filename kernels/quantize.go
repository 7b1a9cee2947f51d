package kernels

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/x448/float16"

	"github.com/loupe-vl/loupe/kernels/internal/cpu"
	"github.com/loupe-vl/loupe/kernels/num"
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
	case o.multiples() && o.Group != 2*blockSteps && o.Group != blockSteps && o.Group%spanSteps != 0:
		return fmt.Errorf("groups of %d; of 4 bits without zero points they are 32, 64 or a multiple of %d, or 0 for whole rows", o.Group, spanSteps)
	}
	return nil
}

// multiples reports whether blocks have multiples of a scale.
func (o Quantizing) multiples() bool { return o.Bits == 4 && !o.ZeroPoints }

// GroupOf is how many steps of rows of so many columns have one scale in memory.
func (o Quantizing) GroupOf(cols int) int {
	switch {
	case o.Group == 0:
		return max(1, (cols+blockSteps-1)/blockSteps) * blockSteps
	case o.multiples():
		return max(o.Group, spanSteps)
	}
	return o.Group
}

// Quantize rounds m to panels, on all threads. A weight that is no number, or a group whose scale no half can hold, is an
// error.
//
// A group's scale comes from its weight of largest magnitude, a: with 8 bits |a|/127, so that q-128 goes from -127 to 127; with
// 4 bits a/-8, so that a becomes q = 0; with zero points (max-min)/15 with min <= 0 <= max. The scale is rounded to half
// precision, for 8 bits upwards, and q is the nearest to weight/scale + zero, ties to even. With 4 bits, no
// zero points and groups of 32 or 64, four or two groups share a kept scale: the largest of their scales is 15 times the kept one, and the
// others are the nearest whole multiples of it.
func (e *Engine) Quantize(m Matrix, o Quantizing) (*Panels, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	p := &Panels{Bits: o.Bits, Group: o.GroupOf(m.Cols), Rows: m.Rows, Cols: m.Cols}
	weights, scales, multiples := PanelSizes(p.Bits, p.Group, p.Rows, p.Cols)
	p.Weights, p.Scales = cpu.NewWeights[byte](weights), make([]uint16, scales)
	switch {
	case o.ZeroPoints:
		p.Zeros = make([]byte, scales)
	case o.multiples():
		p.Multiples = make([]byte, multiples)
	}
	own := p.Group
	if o.Group > 0 {
		own = o.Group
	}
	bad := make([]error, p.count())
	e.For(p.count(), 1, func(lo, hi int) {
		row := make([]float32, p.blocks()*blockSteps)
		for i := lo; i < hi; i++ {
			bad[i] = p.fill(m, i, own, row)
		}
	})
	for _, err := range bad {
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// fill quantizes the rows of panel i, of which own steps have a scale or a multiple of their own; row is scratch.
func (p *Panels) fill(m Matrix, i, own int, row []float32) error {
	weights, scales, more := p.panel(i)
	q := make([]uint8, p.Group)
	for c := range panelCols {
		if r := i*panelCols + c; r < p.Rows {
			m.Row(row[:p.Cols], r)
		} else {
			clear(row)
		}
		for g := range p.groups() {
			from := g * p.Group
			part := row[from:min(from+p.Group, len(row))]
			var scale uint16
			var err error
			if p.form() == formInt4 {
				scale, err = p.roundMultiples(q, part, own, more[from/blockSteps*panelCols+c:])
			} else {
				var zero uint8
				scale, zero, err = p.scale(part)
				if p.form() == formInt4Zeros {
					more[g*panelCols+c] = zero
				}
				p.round(q[:len(part)], part, num.F16ToF32(scale), float32(zero))
			}
			if err != nil {
				return fmt.Errorf("row %d, columns %d to %d: %w", i*panelCols+c, from, min(from+p.Group, p.Cols)-1, err)
			}
			scales[g*panelCols+c] = scale
			p.place(weights[from/blockSteps*p.blockBytes():], q[:len(part)], c)
		}
	}
	return nil
}

// roundMultiples rounds a group to q, and chooses its scale and the multiples of its blocks, which lie a panel's columns apart. Own steps
// have the same.
func (p *Panels) roundMultiples(q []uint8, group []float32, own int, multiples []byte) (scale uint16, err error) {
	var steps [spanBlocks]float32 // of the parts of a group; one where it has one
	parts, largest := (len(group)+own-1)/own, float32(0)
	for i := range parts {
		half, _, err := p.scale(group[i*own : min((i+1)*own, len(group))])
		if err != nil {
			return 0, err
		}
		steps[i] = num.F16ToF32(half)
		largest = max(largest, max(steps[i], -steps[i]))
	}
	most := float32(mostMultiple)
	if own >= p.Group {
		most = 1
	}
	scale = float16.Fromfloat32(largest / most).Bits()
	unit := num.F16ToF32(scale)
	for i := range parts {
		multiple := float32(1)
		if unit > 0 {
			multiple = max(1, min(most, float32(math.RoundToEven(float64(max(steps[i], -steps[i])/unit)))))
		}
		multiple = float32(math.Copysign(float64(multiple), float64(steps[i])))
		from, to := i*own, min((i+1)*own, len(group))
		p.round(q[from:to], group[from:to], multiple*unit, 8)
		for b := from / blockSteps; b < to/blockSteps; b++ {
			multiples[b*panelCols] = byte(int8(multiple))
		}
	}
	return scale, nil
}

// scale chooses a group's scale, a half, and its zero.
func (p *Panels) scale(group []float32) (scale uint16, zero uint8, err error) {
	least, most := extremes(group)
	if least-least != 0 || most-most != 0 {
		for _, w := range group {
			if w-w != 0 {
				return 0, 0, fmt.Errorf("weight %v cannot be quantized", w)
			}
		}
	}
	zero = uint8(p.zero())
	var s float32
	switch {
	case p.Bits == 8:
		s = max(most, -least) / 127
	case p.Zeros != nil:
		s = (most - least) / 15
	case most > -least:
		s = most / -8
	default:
		s = least / -8
	}
	half := float16.Fromfloat32(s)
	if p.Bits == 8 && half.Float32() < s {
		half++ // the next greater half, so that no weight is cut off
	}
	if half.IsInf(0) {
		return 0, 0, fmt.Errorf("weights from %v to %v are too large to quantize", least, most)
	}
	if f := half.Float32(); p.Zeros != nil && f != 0 {
		zero = uint8(min(15, max(0, math.RoundToEven(float64(-least/f)))))
	}
	return half.Bits(), zero, nil
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

// round sets q to the nearest of each weight.
func (p *Panels) round(q []uint8, group []float32, scale, zero float32) {
	low, high := int32(1), int32(255)
	if p.Bits == 4 {
		low, high = 0, 15
	}
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

// place puts q, whole blocks of column c of a panel, where the kernels read them.
func (p *Panels) place(weights []byte, q []uint8, c int) {
	const line = 4 * panelCols // bytes of four steps of a panel, or of four and those 16 on
	for ; len(q) > 0; q, weights = q[blockSteps:], weights[p.blockBytes():] {
		in, out := (*[blockSteps]uint8)(q), weights[4*c:p.blockBytes()]
		for j := 0; j < blockSteps/2; j += 4 {
			near, far := binary.LittleEndian.Uint32(in[j:]), binary.LittleEndian.Uint32(in[j+blockSteps/2:])
			if p.Bits == 4 {
				binary.LittleEndian.PutUint32(out[j/4*line:], near|far<<4)
				continue
			}
			binary.LittleEndian.PutUint32(out[j/4*line:], near)
			binary.LittleEndian.PutUint32(out[(j/4+4)*line:], far)
		}
	}
}
