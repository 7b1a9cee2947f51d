package kernels

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels/num"
)

// The sizes of quantized weights.
const (
	panelCols  = 32 // rows of W, which are columns of a product, that lie side by side
	blockSteps = 32 // steps of k that lie together
	spanSteps  = spanBlocks * blockSteps

	mostMultiple = 15  // so that multiple * (q - 8) is a signed byte
	mostZero     = 127 // so that q - zero is one
)

// Panels are the weights of a quantized matrix W of (Rows, Cols) as the kernels read them: W[c][k] is scale * (q - zero), with
// q of 8 or 4 bits, and one scale (and zero) for each row and Group steps of k. Of 4 bits without zeros it is scale * multiple * (q - 8),
// with a multiple from -15 to 15 for each row and block (a sub-scale). So each block has nearly a scale of its own, and products are still
// summed as integers.
//
// W is cut into panels of 32 rows and into blocks of 32 steps of k; what is missing at the edges is q = zero. With P panels, B
// blocks and G = ceil(B*32/Group) groups,
//
//	Weights of 8 bits  (P, B, 8, 32, 4)  byte [p][b][j][c][i] is q of row 32p+c and step 32b+4j+i
//	Weights of 4 bits  (P, B, 4, 32, 4)  byte [p][b][j][c][i] has q of step 32b+4j+i in its low half, of 16 steps on in its high
//	Scales             (P, G, 32)        IEEE halves
//	Zeros              (P, G, 32)        bytes; nil: zero is 128 with 8 bits and 8 with 4
//	Multiples          (P, B, 32)        signed bytes, of 4 bits without Zeros
//
// so that the weights that one instruction takes lie together, and a product reads its panel from beginning to end.
type Panels struct {
	Bits       int // 8 or 4
	Group      int // steps of k with one scale, a multiple of 32
	Rows, Cols int
	Weights    []byte
	Scales     []uint16
	Zeros      []byte // 4 bits only
	Multiples  []byte // 4 bits without Zeros only
}

// PanelSizes is how many elements Weights, Scales and Zeros, and Multiples have, of those that there are.
func PanelSizes(bits, group, rows, cols int) (weights, scales, multiples int) {
	p := &Panels{Bits: bits, Group: group, Rows: rows, Cols: cols}
	return p.count() * p.blocks() * p.blockBytes(), p.count() * p.groups() * panelCols, p.count() * p.blocks() * panelCols
}

// Shapes are those of Weights, of Scales and Zeros, and of Multiples.
func (p *Panels) Shapes() (weights, scales, multiples []int) {
	return []int{p.count(), p.blocks(), p.Bits, panelCols, 4}, []int{p.count(), p.groups(), panelCols}, []int{p.count(), p.blocks(), panelCols}
}

// Check is an error where the parts of p do not fit each other.
func (p *Panels) Check() error {
	switch {
	case p.Bits != 8 && p.Bits != 4:
		return fmt.Errorf("weights of %d bits; there are kernels for 8 and 4", p.Bits)
	case p.Group <= 0 || p.Group%blockSteps != 0:
		return fmt.Errorf("groups of %d; they must be a multiple of %d", p.Group, blockSteps)
	case p.Rows < 0 || p.Cols < 0:
		return fmt.Errorf("shape (%d, %d)", p.Rows, p.Cols)
	case p.Bits == 8 && p.Zeros != nil:
		return fmt.Errorf("zero points go with 4 bits, not with 8")
	case p.form() != formInt4 && p.Multiples != nil:
		return fmt.Errorf("multiples go with 4 bits without zero points")
	case p.form() == formInt4 && p.span() != spanBlocks:
		return fmt.Errorf("groups of %d with one scale; 4 bits without zero points have a multiple of %d or whole rows", p.Group, spanSteps)
	}
	weights, scales, multiples := PanelSizes(p.Bits, p.Group, p.Rows, p.Cols)
	if p.form() == formInt4 {
		if len(p.Multiples) != multiples {
			return fmt.Errorf("%d multiples of scales; a matrix of (%d, %d) has %d", len(p.Multiples), p.Rows, p.Cols, multiples)
		}
		for i, m := range p.Multiples {
			if m := int8(m); m < -mostMultiple || m > mostMultiple {
				return fmt.Errorf("multiple %d of a scale is %d; they are between %d and %d", i, m, -mostMultiple, mostMultiple)
			}
		}
	}
	for i, z := range p.Zeros {
		if z > mostZero {
			return fmt.Errorf("zero point %d is %d; they are at most %d", i, z, mostZero)
		}
	}
	if len(p.Weights) != weights || len(p.Scales) != scales || p.Zeros != nil && len(p.Zeros) != scales {
		return fmt.Errorf("%d bytes of weights, %d scales and %d zero points; a matrix of (%d, %d) in %d bits and groups of %d has %d and %d", len(p.Weights), len(p.Scales), len(p.Zeros), p.Rows, p.Cols, p.Bits, p.Group, weights, scales)
	}
	return nil
}

// Matrix is p as an operand of products.
func (p *Panels) Matrix() Matrix {
	return Matrix{Layout: p, Rows: p.Rows, Cols: p.Cols}
}

// Bytes implements [Layout]: the memory of all parts.
func (p *Panels) Bytes(Matrix) int {
	return len(p.Weights) + 2*len(p.Scales) + len(p.Zeros) + len(p.Multiples)
}

func (p *Panels) count() int  { return (p.Rows + panelCols - 1) / panelCols }
func (p *Panels) blocks() int { return (p.Cols + blockSteps - 1) / blockSteps }

// per is how many blocks have one scale.
func (p *Panels) per() int { return p.Group / blockSteps }

// span is how many blocks of x share a scale in products with p. Long spans need fewer multiplications by scales, but a span may not
// be longer than a group of weights.
func (p *Panels) span() int {
	if p.per()%spanBlocks == 0 || p.groups() == 1 {
		return spanBlocks
	}
	return 1
}

func (p *Panels) groups() int { return (p.blocks() + p.per() - 1) / p.per() }

// blockBytes is the size of one block of one panel.
func (p *Panels) blockBytes() int { return panelCols * blockSteps * p.Bits / 8 }

// zero is q of a weight that is 0, where p has no Zeros.
func (p *Panels) zero() int {
	if p.Bits == 8 {
		return unpackedZero
	}
	return 8
}

// spans is how rows of x are quantized for p. Their zero point is 1 where p has Zeros: the kernel multiplies by that of each column.
func (p *Panels) spans() xSpans {
	how := xSpans{zero: int32(p.zero()), span: p.span(), own: p.form() == formInt4}
	if p.Zeros != nil {
		how.zero = 1
	}
	return how
}

// form is the index of p's routines.
func (p *Panels) form() int {
	switch {
	case p.Bits == 8:
		return formInt8
	case p.Zeros == nil:
		return formInt4
	}
	return formInt4Zeros
}

// The forms of quantized weights.
const (
	formInt8      = iota
	formInt4      // with multiples
	formInt4Zeros // with zero points
	forms
)

// panel is what the kernels read of panel i: its weights, scales, and more, which is zeros or multiples (nil where p has neither).
func (p *Panels) panel(i int) (weights []byte, scales []uint16, more []byte) {
	n := p.blocks() * p.blockBytes()
	g := p.groups() * panelCols
	switch p.form() {
	case formInt4:
		m := p.blocks() * panelCols
		more = p.Multiples[i*m:][:m]
	case formInt4Zeros:
		more = p.Zeros[i*g:][:g]
	}
	return p.Weights[i*n:][:n], p.Scales[i*g:][:g], more
}

// Dequantize implements [Layout].
func (p *Panels) Dequantize(dst []float32, stride int, _ Matrix, r, rows, c, cols int) {
	for i := range rows {
		p.dequantize(dst[i*stride:][:cols], r+i, c)
	}
}

// DequantizeBy implements [PathLayout].
func (p *Panels) DequantizeBy(path string, dst []float32, stride int, _ Matrix, r, rows, c, cols int) {
	p.widenRows(quantRoutinesOf(path).widen[p.form()], dst, stride, r, rows, c, cols)
}

// Arithmetic implements [ArithmeticLayout].
func (p *Panels) Arithmetic() Arithmetic { return ArithmeticInt8 }

// dequantize sets dst to the weights of row r at steps [k, k+len(dst)), which are exact in float32.
func (p *Panels) dequantize(dst []float32, r, k int) {
	weights, scales, more := p.panel(r / panelCols)
	c := r % panelCols
	for len(dst) > 0 {
		block, from := k/blockSteps, k%blockSteps
		n := min(blockSteps-from, len(dst))
		step, zero := p.stepOf(scales, more, block, c)
		q := weights[block*p.blockBytes():][:p.blockBytes()]
		if p.Bits == 8 {
			for i := range dst[:n] {
				at := from + i
				dst[i] = step * float32(int(q[at/4*(4*panelCols)+4*c+at%4])-zero)
			}
		} else {
			for i := range dst[:n] {
				at := (from + i) % (blockSteps / 2)
				b := q[at/4*(4*panelCols)+4*c+at%4] >> ((from + i) / (blockSteps / 2) * 4)
				dst[i] = step * float32(int(b&15)-zero)
			}
		}
		dst, k = dst[n:], k+n
	}
}

// stepOf is the scale, its multiple counted, and the zero point of row c of a panel in a block.
func (p *Panels) stepOf(scales []uint16, more []byte, block, c int) (step float32, zero int) {
	at := block/p.per()*panelCols + c
	step, zero = num.F16ToF32(scales[at]), p.zero()
	switch p.form() {
	case formInt4:
		step *= float32(int8(more[block*panelCols+c]))
	case formInt4Zeros:
		zero = int(more[at])
	}
	return step, zero
}
