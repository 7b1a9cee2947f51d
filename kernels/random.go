package kernels

import (
	"github.com/loupe-vl/loupe/kernels/internal/cpu"
	"github.com/loupe-vl/loupe/kernels/num"
)

// RandomWeights is the layout of a matrix of random numbers that nobody has written down. Each is a function of Key and its place, by a
// counter-based generator (Salmon and others, Parallel random numbers: as easy as 1, 2, 3), so that every device makes the same ones in
// its own memory: PlaceWeight does. With Mix(n) for num.Mix64(n), of a matrix as bfloat16
//
//	number i, row after row        Values[Mix(Key + i/4) >> (16*(i%4) + 4) % 4096]
//
// and of packed weights, each array from its beginning to its end,
//
//	byte i of the weights          Mix(Key + i/8) >> 8*(i%8); of 8 bits 128 in place of 0, and what lies beyond the matrix is its zero
//	scale i                        Scale + Mix(Key ^ 1<<63 + i) % 256, as bits of a half
//	sub-scale i                    8 + Mix(Key ^ 1<<62 + i) % 8, negative where the highest bit is set
type RandomWeights struct {
	Key    uint64
	As     Layout                // what a device makes: BF16 or another layout of bfloat16, or packed weights that have no memory yet
	Values *[RandomValues]uint16 // of bfloat16
	Scale  uint16                // of packed weights: the least scale, an IEEE half
}

// RandomValues is how many different numbers random weights in bfloat16 have.
const RandomValues = 1 << 12

// Fill is m, whose layout is w, with its numbers in memory. each runs a function over [0, n) in pieces, on any threads.
func (w *RandomWeights) Fill(m Matrix, each func(n, grain int, f func(lo, hi int))) Matrix {
	p, packed := w.As.(*PackedWeights)
	if !packed {
		bits := cpu.NewWeights[uint16](m.Rows * m.Cols)
		each((len(bits)+3)/4, 1<<14, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				x, four := num.Mix64(w.Key+uint64(i)), bits[4*i:min(4*i+4, len(bits))]
				for j := range four {
					four[j] = w.Values[x>>(16*j+4)%RandomValues]
				}
			}
		})
		return Matrix{Layout: w.As, Bits: bits, Rows: m.Rows, Cols: m.Cols, Stride: m.Cols}
	}
	own := *p
	own.Allocate()
	each(len(own.Weights)/8, 1<<13, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			x := num.Mix64(w.Key + uint64(i))
			for j := range 8 {
				own.Weights[8*i+j] = w.quant(&own, 8*i+j, byte(x>>(8*j)))
			}
		}
	})
	for i := range own.Scales {
		own.Scales[i] = w.scale(i)
	}
	for i := range own.SubScales {
		own.SubScales[i] = byte(w.subScale(i))
	}
	return own.Matrix()
}

// quant is byte i of p's weights, of which random is drawn.
func (w *RandomWeights) quant(p *PackedWeights, i int, random byte) byte {
	size := 128 * p.Bits // of a block
	block, at := i/size, i%size
	blocks := (p.Cols + 31) / 32
	row, step := block/blocks*32+at%128/4, block%blocks*32+at/128*4+at%4
	if p.Bits == 8 {
		if row >= p.Rows || step >= p.Cols || random == 0 {
			return 128
		}
		return random
	}
	if row >= p.Rows || step >= p.Cols {
		random = random&0xf0 | 8
	}
	if row >= p.Rows || step+16 >= p.Cols {
		random = random&0x0f | 0x80
	}
	return random
}

func (w *RandomWeights) scale(i int) uint16 {
	return w.Scale + uint16(num.Mix64((w.Key^1<<63)+uint64(i))%256)
}

func (w *RandomWeights) subScale(i int) int8 {
	x := num.Mix64((w.Key ^ 1<<62) + uint64(i))
	if s := int8(8 + x%8); x>>63 == 0 {
		return s
	} else {
		return -s
	}
}

// Dequantize implements [Layout]: the numbers that Fill would write, one by one.
func (w *RandomWeights) Dequantize(dst []float32, stride int, m Matrix, r, rows, c, cols int) {
	p, packed := w.As.(*PackedWeights)
	for i := range rows {
		for j := range cols {
			if packed {
				dst[i*stride+j] = w.quantized(p, r+i, c+j)
				continue
			}
			at := (r+i)*m.Cols + c + j
			dst[i*stride+j] = num.BF16ToF32(w.Values[num.Mix64(w.Key+uint64(at/4))>>(16*(at%4)+4)%RandomValues])
		}
	}
}

// quantized is element (r, k) of packed weights.
func (w *RandomWeights) quantized(p *PackedWeights, r, k int) float32 {
	blocks, per := (p.Cols+31)/32, p.Group/32
	block, groups := r/32*blocks+k/32, (blocks+per-1)/per
	scale := num.F16ToF32(w.scale((r/32*groups+k/32/per)*32 + r%32))
	step, shift, zero := k%32, 0, 128
	if p.Bits == 4 {
		step, shift, zero = k%16, k%32/16*4, 8
		scale *= float32(w.subScale(block*32 + r%32))
	}
	i := block*128*p.Bits + step/4*128 + r%32*4 + step%4
	q := w.quant(p, i, byte(num.Mix64(w.Key+uint64(i/8))>>(8*(i%8)))) >> shift
	if p.Bits == 4 {
		q &= 15
	}
	return scale * float32(int(q)-zero)
}

// Bytes implements [Layout]: what the matrix takes on the device that made it.
func (w *RandomWeights) Bytes(m Matrix) int {
	p, packed := w.As.(*PackedWeights)
	if !packed {
		return 2 * m.Rows * m.Cols
	}
	n := 0
	for _, part := range p.Parts() {
		size := 1
		for _, d := range part.Shape {
			size *= d
		}
		if n += size; part.Halves != nil {
			n += size
		}
	}
	return n
}

// Arithmetic implements [gemm.ArithmeticLayout].
func (w *RandomWeights) Arithmetic() Arithmetic { return Matrix{Layout: w.As}.Arithmetic() }
