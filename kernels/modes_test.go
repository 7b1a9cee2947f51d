package kernels

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/peak"
)

// least is the shortest of n runs: one that no other program disturbed.
func least(n int, run func()) float64 {
	shortest := time.Duration(1 << 62)
	for range n {
		start := time.Now()
		run()
		shortest = min(shortest, time.Since(start))
	}
	return shortest.Seconds()
}

// BenchmarkModes is a part of the product of a decoder's gate in each precision and for some numbers of rows, on one thread, on
// every path of this machine, and what part of the peak of the instruction it reaches. The weights are in the cache; the
// shortest run counts, so that a busy machine tells nearly the same.
func BenchmarkModes(b *testing.B) {
	const k, n = 1536, 512
	r := rand.New(rand.NewPCG(1, 1))
	w := Matrix{Layout: BF16, Bits: make([]uint16, n*k), Rows: n, Cols: k, Stride: k}
	for i := range w.Bits {
		w.Bits[i] = num.F32ToBF16(float32(r.NormFloat64()) / 40)
	}
	rounded := w
	rounded.Layout = BF16Products
	for _, name := range []string{"avx512", "avx2", "neon"} {
		if _, err := choose(name); err != nil {
			continue
		}
		e := engine(b, Options{Kernels: name, Threads: 1})
		most := pathPeaks(name)
		forms := []struct {
			name string
			w    Matrix
			peak float64
		}{{"exact", w, most.FMA}, {"bf16", rounded, max(most.FMA, most.BF16)}}
		for _, how := range []Quantizing{{Bits: 8, Group: 128}, {Bits: 8, Group: 32}, {Bits: 4, Group: 32}, {Bits: 4, Group: 128, ZeroPoints: true}} {
			p, err := e.Quantize(w, how)
			if err != nil {
				b.Fatal(err)
			}
			forms = append(forms, struct {
				name string
				w    Matrix
				peak float64
			}{fmt.Sprintf("int%d,group=%d,zeros=%v", how.Bits, how.Group, how.ZeroPoints), p.Matrix(), most.Int8})
		}
		for _, f := range forms {
			for _, rows := range []int{1, 2, 4, 8, 16, 32, 64, 256} {
				x := View{Data: make([]float32, rows*k), Rows: rows, Cols: k, RowStride: k, ColStride: 1}
				for i := range x.Data {
					x.Data[i] = float32(r.NormFloat64())
				}
				dst := View{Data: make([]float32, rows*n), Rows: rows, Cols: n, RowStride: n, ColStride: 1}
				b.Run(fmt.Sprintf("%s/%s/rows=%d", name, f.name, rows), func(b *testing.B) {
					s := 1.0
					for b.Loop() {
						s = min(s, least(1, func() { e.MatMul(dst, x, f.w, TransW) }))
					}
					rate := 2 * float64(rows) * k * n / s / 1e9
					b.ReportMetric(rate, "GOP/s")
					if f.peak > 0 {
						b.ReportMetric(100*rate/f.peak, "%ofpeak")
					}
				})
			}
		}
	}
}

// pathPeaks are the peaks, in billions of operations a second on one thread, of what a path's kernels are made of.
func pathPeaks(name string) peak.Peaks {
	width := map[string]int{"avx512": 64, "avx2": 32, "neon": 16, "generic": 16}[name]
	p, _ := peak.Measure(context.Background(), peak.Options{Threads: 1, Buffer: 1 << 20, Window: 20 * time.Millisecond, Width: width})
	return p
}
