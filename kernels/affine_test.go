package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/loupe-vl/loupe/kernels/gemm/gemmtest"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// TestAffine: a product with its bias has the bits of the product and the sum one after the other, on every path and in every
// precision, for few rows and for many.
func TestAffine(t *testing.T) {
	const k, cols = 96, 353
	r := rand.New(rand.NewPCG(8, 9))
	rough := Matrix{Layout: BF16, Bits: make([]uint16, cols*k), Rows: cols, Cols: k, Stride: k}
	bias := make([]float32, cols)
	for i := range rough.Bits {
		rough.Bits[i] = num.F32ToBF16(float32(r.NormFloat64()))
	}
	for i := range bias {
		bias[i] = float32(r.NormFloat64())
	}
	eachRealPath(t, func(t *testing.T, path string) {
		e := engine(t, Options{Kernels: path, Threads: 2})
		rounded, _ := e.BF16Products(rough)
		panels, err := e.Quantize(rough, Quantizing{Bits: 8, Group: 32})
		if err != nil {
			t.Fatal(err)
		}
		for name, w := range map[string]Matrix{"exact": rough, "bf16": rounded, "int8": panels.Matrix()} {
			for _, rows := range []int{1, 7, 13, 200} {
				t.Run(fmt.Sprintf("%s/%d", name, rows), func(t *testing.T) {
					x := gemmtest.View(r, rows, k, false)
					got := View{Data: make([]float32, rows*cols), Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
					want := got
					want.Data = make([]float32, rows*cols)
					e.Affine(got, x, w, bias)
					e.MatMul(want, x, w, TransW)
					for i := range rows {
						vec.Add(want.Data[i*cols:][:cols], want.Data[i*cols:][:cols], bias)
					}
					if !kerneltest.SameBits(got.Data, want.Data) {
						t.Error("other bits than those of the product and the sum")
					}
				})
			}
		}
	})
}
