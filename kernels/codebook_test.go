package kernels_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// codebook is a layout that loupe does not have: each weight is one of 16 numbers times the scale of its group. It has the two methods of
// [kernels.Layout] and nothing else, from outside the package.
type codebook struct {
	cols, group int
	numbers     [16]float32
	scales      []float32 // of each group of a row, row after row
	codes       []byte    // of each weight, row after row
}

func (b *codebook) Dequantize(dst []float32, stride int, _ kernels.Matrix, r, rows, c, cols int) {
	groups := (b.cols + b.group - 1) / b.group
	for i := range rows {
		for j := range cols {
			dst[i*stride+j] = b.numbers[b.codes[(r+i)*b.cols+c+j]] * b.scales[(r+i)*groups+(c+j)/b.group]
		}
	}
}

func (b *codebook) Bytes(kernels.Matrix) int {
	return len(b.codes) + 4*len(b.scales) + 4*len(b.numbers)
}

// newCodebook is a random matrix in a codebook, and the same numbers in float32.
func newCodebook(r *rand.Rand, rows, cols, group int) (w, same kernels.Matrix) {
	b := &codebook{cols: cols, group: group, codes: make([]byte, rows*cols)}
	for i := range b.numbers {
		b.numbers[i] = float32(r.NormFloat64())
	}
	for range rows * ((cols + group - 1) / group) {
		b.scales = append(b.scales, float32(r.NormFloat64()))
	}
	for i := range b.codes {
		b.codes[i] = byte(r.IntN(16))
	}
	w = kernels.Matrix{Layout: b, Rows: rows, Cols: cols}
	same = kernels.Matrix{Layout: kernels.F32, Rows: rows, Cols: cols, Stride: cols}
	groups := (cols + group - 1) / group
	for i, code := range b.codes {
		same.F32 = append(same.F32, b.numbers[code]*b.scales[i/cols*groups+i%cols/group])
	}
	return w, same
}

// TestNewLayout: a layout that is nothing but the two methods of the interface has products, backward products and rows, with the bits of
// the same numbers in float32, on every path of this machine.
func TestNewLayout(t *testing.T) {
	for _, name := range []string{"avx512", "avx2", "neon", "generic"} {
		t.Run(name, func(t *testing.T) {
			e, err := kernels.New(kernels.Options{Kernels: name, Threads: 2})
			if err != nil {
				t.Skip(err)
			}
			defer e.Close()
			r := rand.New(rand.NewPCG(31, 32))
			for _, c := range []struct{ rows, out, in, group int }{
				{1, 64, 64, 32}, {1, 33, 100, 32}, {3, 5, 7, 4}, {17, 70, 600, 128}, {40, 96, 1030, 64}, {200, 48, 64, 16}, {2, 1, 1, 1},
			} {
				w, same := newCodebook(r, c.out, c.in, c.group)
				t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) { testLayout(t, e, r, c.rows, w, same) })
			}
		})
	}
}

// testLayout compares what can be computed with w, (out, in), with the same of float32.
func testLayout(t *testing.T, e *kernels.Engine, r *rand.Rand, rows int, w, same kernels.Matrix) {
	random := func(cols int) kernels.View {
		v := kernels.View{Data: make([]float32, rows*cols), Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
		for i := range v.Data {
			v.Data[i] = float32(r.NormFloat64())
		}
		return v
	}
	x, dy, bias := random(w.Cols), random(w.Rows), random(w.Rows).Data[:w.Rows]
	start := map[int][]float32{w.Rows: random(w.Rows).Data, w.Cols: random(w.Cols).Data}
	compare := func(what string, cols int, compute func(dst kernels.View, w kernels.Matrix)) {
		t.Helper()
		var got [2][]float32
		for i, w := range []kernels.Matrix{w, same} {
			got[i] = slices.Clone(start[cols])
			compute(kernels.View{Data: got[i], Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}, w)
		}
		for i := range got[0] {
			if math.Float32bits(got[0][i]) != math.Float32bits(got[1][i]) {
				t.Fatalf("%s: row %d, column %d is %v, and %v in float32", what, i/cols, i%cols, got[0][i], got[1][i])
			}
		}
	}
	compare("forward", w.Rows, func(dst kernels.View, w kernels.Matrix) { e.MatMul(dst, x, w, kernels.TransW) })
	compare("forward, added", w.Rows, func(dst kernels.View, w kernels.Matrix) { e.MatMul(dst, x, w, kernels.TransW|kernels.Accumulate) })
	compare("forward with a bias", w.Rows, func(dst kernels.View, w kernels.Matrix) { e.Affine(dst, x, w, bias) })
	compare("forward on one thread", w.Rows, func(dst kernels.View, w kernels.Matrix) {
		e.MatMulSerial(kernels.NewScratch(), dst, x, w, kernels.TransW)
	})
	compare("backward", w.Cols, func(dst kernels.View, w kernels.Matrix) { e.MatMul(dst, dy, w, kernels.Plain) })
	compare("backward, added", w.Cols, func(dst kernels.View, w kernels.Matrix) { e.MatMul(dst, dy, w, kernels.Accumulate) })
	compare("rows", w.Cols, func(dst kernels.View, w kernels.Matrix) {
		for i := range rows {
			w.Row(dst.Data[i*w.Cols:][:w.Cols], i%w.Rows)
		}
	})
	if w.Bytes() >= same.Bytes() && len(same.F32) > 100 {
		t.Errorf("the codebook takes %d bytes, and float32 %d", w.Bytes(), same.Bytes())
	}
}
