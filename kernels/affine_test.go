package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestAffine: a product with its bias has the bits of the product and the sum one after the other, on every path and in every
// precision, for few rows and for many.
func TestAffine(t *testing.T) {
	const k, cols = 96, 353
	r := rand.New(rand.NewPCG(8, 9))
	rough := Matrix{Kind: BF16, Bits: make([]uint16, cols*k), Rows: cols, Cols: k, Stride: k}
	bias := make([]float32, cols)
	for i := range rough.Bits {
		rough.Bits[i] = F32ToBF16(float32(r.NormFloat64()))
	}
	for i := range bias {
		bias[i] = float32(r.NormFloat64())
	}
	eachRealPath(t, func(t *testing.T, path string) {
		e := engine(t, Options{Kernels: path, Threads: 2})
		rounded := rough
		rounded.Rounded = true
		panels, err := e.Quantise(rough, Quantising{Bits: 8, Group: 32})
		if err != nil {
			t.Fatal(err)
		}
		for name, w := range map[string]Matrix{"exact": rough, "bf16": rounded, "int8": panels.Matrix()} {
			for _, rows := range []int{1, 7, 13, 200} {
				t.Run(fmt.Sprintf("%s/%d", name, rows), func(t *testing.T) {
					x := someView(r, rows, k, false)
					got := View{Data: make([]float32, rows*cols), Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
					want := got
					want.Data = make([]float32, rows*cols)
					e.Affine(got, x, w, bias)
					e.MatMul(want, x, w, true, false)
					for i := range rows {
						Add(want.Data[i*cols:][:cols], want.Data[i*cols:][:cols], bias)
					}
					if !sameBits(got.Data, want.Data) {
						t.Error("other bits than those of the product and the sum")
					}
				})
			}
		}
	})
}
