package cpu

import (
	"sync"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
	"github.com/loupe-vl/loupe/kernels/num"
)

// Add is dst = a + b.
func (d *Device) Add(dst, a, b kernels.Array) {
	type work struct {
		eng      *kernels.Engine
		to, a, b host.Matrix
	}
	rows(d, dst.Rows, dst.Cols, work{d.eng, host.Of(dst), host.Of(a), host.Of(b)}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			w.eng.Add(w.to.Row(i), w.a.Row(i), w.b.Row(i))
		}
	})
}

// Scale is dst = x*s.
func (d *Device) Scale(dst, x kernels.Array, s float32) {
	to, from := host.Of(dst), host.Of(x)
	d.each(to.Rows, to.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			d.eng.Scale(to.Row(i), from.Row(i), s)
		}
	})
}

// scaledPart is how many numbers AddScaled scales before it adds them: they stay in the first-level cache.
const scaledPart = 1024

var scaledParts = sync.Pool{New: func() any { return new([scaledPart]float32) }}

// AddScaled is dst = a + x*s.
func (d *Device) AddScaled(dst, a, x kernels.Array, s float32) {
	to, first, second := host.Of(dst), host.Of(a), host.Of(x)
	d.each(to.Rows, to.Cols, func(lo, hi int) {
		scaled := scaledParts.Get().(*[scaledPart]float32)
		defer scaledParts.Put(scaled)
		for i := lo; i < hi; i++ {
			to, a, x := to.Row(i), first.Row(i), second.Row(i)
			for at := 0; at < len(x); at += scaledPart {
				end := min(at+scaledPart, len(x))
				d.eng.Scale(scaled[:end-at], x[at:end], s)
				d.eng.Add(to[at:end], a[at:end], scaled[:end-at])
			}
		}
	})
}

// ScaleColumns is dst = x with each column times its gain.
func (d *Device) ScaleColumns(dst, x kernels.Array, gain kernels.Buffer) {
	to, from, gains := host.Of(dst), host.Of(x), gain.Host()
	d.each(to.Rows, 2*to.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			to := to.Row(i)
			for j, v := range from.Row(i) {
				to[j] = float32(v * gains[j])
			}
		}
	})
}

// ScaleColumnsBackward adds to the gradient of what lengths divide to a gain, on workers that have some columns each.
func (d *Device) ScaleColumnsBackward(dgain kernels.Buffer, x, dy kernels.Array, lengths kernels.Buffer) {
	to, from, up, divisors := dgain.Host(), host.Of(x), host.Of(dy), lengths.Host()
	d.eng.For(len(to), 64, func(lo, hi int) {
		sums := make([]float32, hi-lo)
		for i := range up.Rows {
			of := from.Row(i)[lo:hi]
			for j, v := range up.Row(i)[lo:hi] {
				sums[j] += float32(v * of[j])
			}
		}
		for j, sum := range sums {
			to[lo+j] += sum / divisors[lo+j]
		}
	})
}

// Dropout leaves out a part p of x, and makes up for it.
func (d *Device) Dropout(dst, x kernels.Array, key uint64, p float32) {
	to, from := host.Of(dst), host.Of(x)
	scale, limit := 1/(1-p), uint64(float64(p)*(1<<32))
	d.each(to.Rows, 4*to.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			dst := to.Row(i)
			for c, v := range from.Row(i) {
				dst[c] = 0
				if num.Mix64(key+uint64(i*from.Cols+c))>>32 >= limit {
					dst[c] = v * scale
				}
			}
		}
	})
}

// Clear sets x to 0.
func (d *Device) Clear(x kernels.Array) {
	m := host.Of(x)
	if m.Stride == m.Cols && m.Rows > 0 { // rows may be few and long, or many and short
		m = host.Matrix{Rows: m.Rows * m.Cols, Cols: 1, Stride: 1, Data: m.Data}
		d.each(m.Rows, 1, func(lo, hi int) { clear(m.Data[lo:hi]) })
		return
	}
	for i := range m.Rows {
		clear(m.Row(i))
	}
}
