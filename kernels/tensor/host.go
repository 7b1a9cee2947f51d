package tensor

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// What goes between the memory of the host and that of the run's device. Where they are one nothing is copied that need not be.

// NewHost is a dense tensor of (rows, cols) on the host, contents undefined, to be filled and given to Upload: the run's memory,
// where that is the host's.
func (r *Run) NewHost(rows, cols int) Tensor { return Of(rows, cols, r.hostFloats(rows*cols)) }

// hostFloats is memory of the host for n numbers.
func (r *Run) hostFloats(n int) []float32 {
	if r.dev.OnHost() {
		if data, err := r.arena.Floats(n); err == nil && data.OnHost() {
			return data.Host()
		}
	}
	return r.arena.hostFloats(n)
}

// Upload is Here for x on the host: x itself where the run computes there too, and else a copy in the run's memory.
func (r *Run) Upload(x Tensor) Tensor { return r.Here(x) }

// put uploads x, on the host, into out.
func (r *Run) put(out, x Tensor) {
	dev := r.lies(out.array())
	if x.Dense() {
		r.check(dev.Upload(out.array(), x.Floats()))
		return
	}
	for i := range x.Rows {
		r.check(dev.Upload(out.Slice(i, i+1).array(), x.Row(i)))
	}
}

// Host is x where the host can read it: x itself where it lies there, and good for as long as x is, else a copy.
func (r *Run) Host(x Tensor) Tensor {
	if x.Data.OnHost() {
		return x
	}
	return r.downloadTo(Of(x.Rows, x.Cols, r.hostFloats(x.Rows*x.Cols)), x)
}

// Download is a dense copy of x on the host, in memory of its own: zeros after an error, and of a device that computes nothing.
func (r *Run) Download(x Tensor) Tensor {
	return r.downloadTo(Of(x.Rows, x.Cols, make([]float32, x.Rows*x.Cols)), x)
}

func (r *Run) downloadTo(out, x Tensor) Tensor {
	r.download(out.Floats(), x.array())
	return out
}

// download is the one way by which numbers leave the run: with them comes whether what was computed before is finite. They are zeros after
// an error.
func (r *Run) download(dst []float32, src kernels.Array) {
	if r.lies(src).Computes() && !r.idle() {
		if src.Buffer.OnHost() && !r.dev.OnHost() { // beside a run that is elsewhere
			r.read(nil)
			for i := range src.Rows {
				copy(dst[i*src.Cols:], src.HostRow(i))
			}
		} else {
			r.read([]kernels.Download{{Dst: dst, Src: src}})
		}
		if r.err == nil {
			return
		}
	}
	clear(dst)
}

// change lets f change x on the host.
func (r *Run) change(x Tensor, f func(x Tensor) error) error {
	switch {
	case !r.lies(x.array()).Computes():
		return nil
	case x.Data.OnHost():
		return f(x)
	}
	host := r.Download(x)
	if err := f(host); err != nil || r.idle() {
		return err
	}
	r.put(x, host)
	return nil
}

// Change lets f change x on the host: for what no operation does.
func (r *Run) Change(x Tensor, f func(x Tensor)) {
	if !r.idle() {
		r.check(r.change(x, func(x Tensor) error { f(x); return nil }))
	}
}

// ChangeGrad lets f change the gradient of x on the host: what a run begins to go backward from.
func (r *Run) ChangeGrad(x Tensor, f func(g Tensor)) {
	if x.HasGrad() {
		r.Change(x.gradTensor(), f)
	}
}

// Copy is x in the run's memory, for an operation that writes over what it is given. There is no gradient.
func (r *Run) Copy(x Tensor) Tensor {
	out := r.New(x.Rows, x.Cols)
	if !r.idle() {
		r.copyInto(out, x)
	}
	return out
}

// copyInto copies x to the first rows of to.
func (r *Run) copyInto(to, x Tensor) {
	if !r.idle() {
		CopyRows(r.dev, to, x)
	}
}

// CopyRows copies the rows of x to the first of to, in the memory of dev.
func CopyRows(dev kernels.Device, to, x Tensor) {
	dev.CopyRows(to.Slice(0, x.Rows).array(), nil, x.array(), nil)
}

// OfBuffer wraps data, which lies on a device, as a dense tensor of (rows, cols).
func OfBuffer(rows, cols int, data kernels.Buffer) Tensor { return dense(rows, cols, data) }

// Device is what the run computes on.
func (r *Run) Device() kernels.Device { return r.dev }

// Softmax replaces x, on the host, by its softmax.
func Softmax(x []float32) { vec.Softmax(x) }
