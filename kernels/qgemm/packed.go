package qgemm

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/cpu"
)

// The sizes of packed weights.
const (
	panelCols  = 32 // rows of W, which are columns of a product, that lie side by side
	blockSteps = 32 // steps of k that lie together
)

// PackedWeights is the [gemm.Layout] of a quantized matrix W of (Rows, Cols) as the kernels read it: W[c][k] is scale * (q - zero), with q of 8
// or 4 bits, and one scale (and zero) for each row and Group steps of k. Of 4 bits without zero points it is scale * sub-scale * (q - 8),
// with a sub-scale from -15 to 15 for each row and block. So each block has nearly a scale of its own, and products are still summed as
// integers. Each of these three is a form: int8.go, int4.go and int4_zeros.go.
//
// W is cut into panels of 32 rows and into blocks of 32 steps of k; what is missing at the edges is q = zero. With P panels, B
// blocks and G = ceil(B*32/Group) groups,
//
//	Weights of 8 bits  (P, B, 8, 32, 4)  byte [p][b][j][c][i] is q of row 32p+c and step 32b+4j+i
//	Weights of 4 bits  (P, B, 4, 32, 4)  byte [p][b][j][c][i] has q of step 32b+4j+i in its low half, of 16 steps on in its high
//	Scales             (P, G, 32)        IEEE halves
//	Zeros              (P, G, 32)        bytes, with ZeroPoints; without, zero is 128 with 8 bits and 8 with 4
//	SubScales          (P, B, 32)        signed bytes, of 4 bits without ZeroPoints
//
// so that the weights that one instruction takes lie together, and a product reads its panel from beginning to end.
type PackedWeights struct {
	Bits       int  // 8 or 4
	ZeroPoints bool // 4 bits only
	Group      int  // steps of k with one scale, a multiple of 32
	Rows, Cols int
	Weights    []byte
	Scales     []uint16
	Zeros      []byte
	SubScales  []byte
}

// packedForm is one way in which PackedWeights hold integers. Its methods take a panel, a block or a group at a time.
type packedForm interface {
	// kept is the group that has one scale in memory where group, a multiple of 32, was asked for.
	kept(group int) (int, error)
	// kernels are those of ks for the form.
	kernels(ks *Kernels) *formKernels
	// parts are what the form has beside weights and scales: none or one.
	parts(p *PackedWeights) []PackedPart
	// check is an error where p cannot be of this form, or where what it has beside its scales is out of range.
	check(p *PackedWeights) error
	// activations is how rows of x are quantized for p.
	activations(p *PackedWeights) q8Options
	// beside is what the kernels read of panel i beside its weights and scales; nil for nothing.
	beside(p *PackedWeights, i int) []byte
	// scaleOf is the scale and the zero point of row c of a panel in a block.
	scaleOf(p *PackedWeights, scales []uint16, beside []byte, block, c int) (scale float32, zero int)
	// dequantize sets dst to the weights of row c of a block from step from on.
	dequantize(dst []float32, block []byte, c, from int, scale float32, zero int)
	// quantize rounds group g of row c of a panel to q. It chooses the scale, which it returns, and what lies beside it. asked is the group
	// that was asked for, which may be shorter than the one that has a scale: see kept.
	quantize(p *PackedWeights, q []uint8, group []float32, asked int, beside []byte, g, c int) (scale uint16, err error)
	// place puts the q of row c of a block where the kernels read them.
	place(block []byte, q *[blockSteps]uint8, c int)
}

// form is the form of p.
func (p *PackedWeights) form() packedForm {
	switch {
	case p.Bits == 8:
		return int8Form{}
	case p.ZeroPoints:
		return int4ZerosForm{}
	}
	return int4Form{}
}

// PackedPart is one of the arrays that packed weights consist of, as a file holds it: see docs/quantized-layout.md.
type PackedPart struct {
	Name  string // "panels", "scales", "zeros" or "multiples", which are the sub-scales
	DType string // "U8", "F16" or "I8"
	Shape []int
	// Bytes is where p holds the part; of scales Halves is.
	Bytes  *[]byte
	Halves *[]uint16
}

// Parts are the arrays of p, its weights first and then its scales.
func (p *PackedWeights) Parts() []PackedPart {
	return append([]PackedPart{
		{Name: "panels", DType: "U8", Shape: []int{p.count(), p.blocks(), p.Bits, panelCols, 4}, Bytes: &p.Weights},
		{Name: "scales", DType: "F16", Shape: []int{p.count(), p.groups(), panelCols}, Halves: &p.Scales},
	}, p.form().parts(p)...)
}

// Allocate gives the parts of p memory of their own, in which everything is 0.
func (p *PackedWeights) Allocate() {
	for _, part := range p.Parts() {
		switch _, n := part.len(); {
		case part.Halves != nil:
			*part.Halves = make([]uint16, n)
		case part.Bytes == &p.Weights:
			p.Weights = cpu.NewWeights[byte](n)
		default:
			*part.Bytes = make([]byte, n)
		}
	}
}

// len is how many elements the part has, and should have.
func (part PackedPart) len() (is, should int) {
	should = 1
	for _, n := range part.Shape {
		should *= n
	}
	if part.Halves != nil {
		return len(*part.Halves), should
	}
	return len(*part.Bytes), should
}

// Check is an error where the parts of p do not fit each other.
func (p *PackedWeights) Check() error {
	switch {
	case p.Bits != 8 && p.Bits != 4:
		return fmt.Errorf("weights of %d bits; there are kernels for 8 and 4", p.Bits)
	case p.Group <= 0 || p.Group%blockSteps != 0:
		return fmt.Errorf("groups of %d; they must be a multiple of %d", p.Group, blockSteps)
	case p.Rows < 0 || p.Cols < 0:
		return fmt.Errorf("shape (%d, %d)", p.Rows, p.Cols)
	}
	total := 0
	for _, part := range p.Parts() {
		is, should := part.len()
		if is != should {
			return fmt.Errorf("%d %s; a matrix of (%d, %d) in %d bits and groups of %d has %d", is, part.Name, p.Rows, p.Cols, p.Bits, p.Group, should)
		}
		if part.Bytes != nil {
			total += is
		}
	}
	if len(p.Weights)+len(p.Zeros)+len(p.SubScales) != total {
		return fmt.Errorf("zero points or sub-scales that weights of %d bits with zero points %v do not have", p.Bits, p.ZeroPoints)
	}
	return p.form().check(p)
}

// Matrix is p as an operand of products.
func (p *PackedWeights) Matrix() gemm.Matrix {
	return gemm.Matrix{Layout: p, Rows: p.Rows, Cols: p.Cols}
}

// Bytes implements [gemm.Layout]: the memory of all parts.
func (p *PackedWeights) Bytes(gemm.Matrix) int {
	return len(p.Weights) + 2*len(p.Scales) + len(p.Zeros) + len(p.SubScales)
}

// Arithmetic implements [gemm.ArithmeticLayout].
func (p *PackedWeights) Arithmetic() gemm.Arithmetic { return gemm.ArithmeticInt8 }

// Dequantize implements [gemm.Layout]: the weights are exact in float32.
func (p *PackedWeights) Dequantize(dst []float32, stride int, _ gemm.Matrix, r, rows, c, cols int) {
	form := p.form()
	for i := range rows {
		weights, scales, beside := p.panel((r + i) / panelCols)
		at, to := (r+i)%panelCols, dst[i*stride:][:cols]
		for k := c; len(to) > 0; {
			block, from := k/blockSteps, k%blockSteps
			n := min(blockSteps-from, len(to))
			scale, zero := form.scaleOf(p, scales, beside, block, at)
			form.dequantize(to[:n], weights[block*p.blockBytes():][:p.blockBytes()], at, from, scale, zero)
			to, k = to[n:], k+n
		}
	}
}

// DequantizeBy implements [gemm.PathLayout].
func (p *PackedWeights) DequantizeBy(kernels string, dst []float32, stride int, _ gemm.Matrix, r, rows, c, cols int) {
	p.dequantizeBy(kernelsOf(kernels), dst, stride, r, rows, c, cols)
}

func (p *PackedWeights) count() int  { return (p.Rows + panelCols - 1) / panelCols }
func (p *PackedWeights) blocks() int { return (p.Cols + blockSteps - 1) / blockSteps }

// groupBlocks is how many blocks have one scale.
func (p *PackedWeights) groupBlocks() int { return p.Group / blockSteps }

// xGroup is how many blocks of x share a scale in products with p: a block, or a superblock where a group of weights is whole
// superblocks, which needs fewer multiplications by scales.
func (p *PackedWeights) xGroup() int {
	if p.groupBlocks()%superblock == 0 || p.groups() == 1 {
		return superblock
	}
	return 1
}

func (p *PackedWeights) groups() int { return (p.blocks() + p.groupBlocks() - 1) / p.groupBlocks() }

// blockBytes is the size of one block of one panel.
func (p *PackedWeights) blockBytes() int { return panelCols * blockSteps * p.Bits / 8 }

// panel is what the kernels read of panel i: its weights, its scales, and what the form has beside them.
func (p *PackedWeights) panel(i int) (weights []byte, scales []uint16, beside []byte) {
	n := p.blocks() * p.blockBytes()
	g := p.groups() * panelCols
	return p.Weights[i*n:][:n], p.Scales[i*g:][:g], p.form().beside(p, i)
}
