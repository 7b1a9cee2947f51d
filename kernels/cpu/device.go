package cpu

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/attention"
	"github.com/loupe-vl/loupe/kernels/host"
)

// Device computes on the processor.
type Device struct{ eng *kernels.Engine }

var _ kernels.Device = (*Device)(nil)

// New is the device that computes by the kernels and on the workers of e.
func New(e *kernels.Engine) *Device { return &Device{eng: e} }

// Computes is true: see [kernels.Device].
func (d *Device) Computes() bool { return true }

// OnHost is true: see [kernels.Device].
func (d *Device) OnHost() bool { return true }

// Alloc is memory of the program, which the garbage collector takes back.
func (d *Device) Alloc(n int) (kernels.Buffer, error) {
	return kernels.HostBuffer(make([]float32, n)), nil
}

// Free does nothing.
func (d *Device) Free(kernels.Buffer) {}

// Upload copies src into dst.
func (d *Device) Upload(dst kernels.Array, src []float32) error {
	to := host.Of(dst)
	for i := range to.Rows {
		copy(to.Row(i), src[i*to.Cols:])
	}
	return nil
}

// Download copies src into dst.
func (d *Device) Download(dst []float32, src kernels.Array) error {
	from := host.Of(src)
	rows(d, from.Rows, from.Cols, copying{host.Dense(from.Rows, from.Cols, dst), from}, copying.rows)
	return nil
}

// DownloadAll is Download of each.
func (d *Device) DownloadAll(copies []kernels.Download) error {
	for _, c := range copies {
		if err := d.Download(c.Dst, c.Src); err != nil {
			return err
		}
	}
	return nil
}

// copying is one copy of whole rows.
type copying struct{ to, from host.Matrix }

func (c copying) rows(lo, hi int) {
	for i := lo; i < hi; i++ {
		copy(c.to.Row(i), c.from.Row(i))
	}
}

// HasArithmetic reports whether the processor has products of that arithmetic.
func (d *Device) HasArithmetic(a kernels.Arithmetic) bool { return d.eng.HasArithmetic(a) }

// PlaceWeight leaves the weight where it lies: law 3. Random weights are written down first.
func (d *Device) PlaceWeight(w kernels.Matrix) (kernels.Placed, error) {
	if err := kernels.RefuseArithmetic(d, w); err != nil {
		return kernels.Placed{}, err
	}
	if r, random := w.Layout.(*kernels.RandomWeights); random {
		w = r.Fill(w, d.eng.For)
	}
	return kernels.Placed{Matrix: w}, nil
}

// Attend computes an attention.
func (d *Device) Attend(a *kernels.Attention) error { return attention.Forward(d.eng, a) }

// AttendBackward computes the gradients of an attention.
func (d *Device) AttendBackward(a *kernels.Attention) error { return attention.Backward(d.eng, a) }

// each runs f over [0, n), rows that cost about cols scalar operations each, on the workers.
func (d *Device) each(n, cols int, f func(lo, hi int)) { d.eng.For(n, atOnce(cols), f) }

// rows is each for what decoding does with a few rows at a time: f captures nothing and is given what it works with, so that
// nothing is allocated.
func rows[T any](d *Device, n, cols int, with T, f func(with T, lo, hi int)) {
	if n <= atOnce(cols) {
		f(with, 0, n)
		return
	}
	kernels.ForWith(d.eng, n, atOnce(cols), with, f)
}

// atOnce is how many rows are worth handing to a worker.
func atOnce(cols int) int { return max(1, 1<<14/max(cols, 1)) }
