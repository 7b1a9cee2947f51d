package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkModes is the product of a decoder's gate in each precision, for some numbers of rows. GB/s counts the weights as
// they lie; with one row they are what is waited for, so each product reads matrices of its own, more than a cache holds.
func BenchmarkModes(b *testing.B) {
	const k, n = 1536, 8960
	r := rand.New(rand.NewPCG(1, 1))
	w := Matrix{Kind: BF16, Bits: make([]uint16, n*k), Rows: n, Cols: k, Stride: k}
	for i := range w.Bits {
		w.Bits[i] = F32ToBF16(float32(r.NormFloat64()) / 40)
	}
	e := engine(b, Options{})
	rounded := w
	rounded.Rounded = true
	forms := []struct {
		name string
		w    Matrix
		size int
	}{{"exact", w, 2 * n * k}, {"bf16", rounded, 2 * n * k}}
	for _, how := range []Quantising{{8, 32, false}, {4, 32, false}, {4, 128, true}} {
		p, err := e.Quantise(w, how)
		if err != nil {
			b.Fatal(err)
		}
		forms = append(forms, struct {
			name string
			w    Matrix
			size int
		}{fmt.Sprintf("int%d,group=%d,zeros=%v", how.Bits, how.Group, how.ZeroPoints), p.Matrix(), p.Bytes()})
	}
	for _, rows := range []int{1, 2, 4, 8, 16, 32, 256} {
		x := View{Data: make([]float32, rows*k), Rows: rows, Cols: k, RowStride: k, ColStride: 1}
		for i := range x.Data {
			x.Data[i] = float32(r.NormFloat64())
		}
		dst := View{Data: make([]float32, rows*n), Rows: rows, Cols: n, RowStride: n, ColStride: 1}
		for _, f := range forms {
			b.Run(fmt.Sprintf("rows=%d/%s", rows, f.name), func(b *testing.B) {
				copies := []Matrix{f.w}
				for rows == 1 && len(copies)*f.size < 200<<20 {
					c := f.w
					c.Bits = append([]uint16(nil), c.Bits...)
					if c.Panels != nil {
						p := *c.Panels
						p.Weights = append([]byte(nil), p.Weights...)
						c.Panels = &p
					}
					copies = append(copies, c)
				}
				for i := 0; b.Loop(); i++ {
					e.MatMul(dst, x, copies[i%len(copies)], true, false)
				}
				s := b.Elapsed().Seconds() / float64(b.N)
				b.ReportMetric(2*float64(rows)*k*n/s/1e9, "GOP/s")
				b.ReportMetric(float64(f.size)/s/1e9, "GB/s")
			})
		}
	}
}
