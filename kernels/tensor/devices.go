package tensor

import (
	"slices"

	"github.com/loupe-vl/loupe/kernels"
)

// A model may lie on several devices. Each part of it knows by its number on which, and goes there before it computes: that is all that it
// does. What lies beside the stream of activations (tables of angles, rows of pictures) is made anew or brought along.

// Spread lets the run go on other devices than the one that it began on, which is the first of devs. Where devices stand for others, as
// those of shapes do, so does each of these.
func (r *Run) Spread(devs []kernels.Device) {
	if len(devs) > 1 {
		r.devs = devs
	}
}

// At lets the operations that follow run on device i of the run's, in memory of its own. A run that was not spread has one device only.
func (r *Run) At(i int) {
	if i != r.on && i < len(r.devs) {
		r.on, r.dev = i, r.devs[i]
		r.arena = r.home.On(i, r.dev)
	}
}

// To is At, and takes x along. The gradient goes back the other way, to where x lies.
func (r *Run) To(i int, x Tensor) Tensor {
	r.At(i)
	return r.Here(x)
}

// Here is x where the run computes: x itself where it lies there, and else a copy in the run's memory, whose gradient is added to that of x.
// It goes through the host.
func (r *Run) Here(x Tensor) Tensor {
	if r.idle() || r.has(x) {
		return x
	}
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.move(out, x)
	if x.HasGrad() && r.taping(false, x) {
		out = r.WithGrad(out)
		r.record(func() { r.moveBack(x, out) })
	}
	return out
}

// has reports whether x lies where the run computes. What has no memory lies everywhere.
func (r *Run) has(x Tensor) bool {
	if x.Data.OnHost() {
		return x.Data.None() || r.dev.OnHost()
	}
	return x.Data.Owner() == r.dev
}

// move copies x, which lies elsewhere, to out.
func (r *Run) move(out, x Tensor) {
	switch {
	case x.Data.OnHost():
		r.put(out, x)
	case out.Data.OnHost():
		r.downloadTo(out, x)
	default:
		mark := r.arena.Mark()
		if rows := r.downloadTo(Of(x.Rows, x.Cols, r.hostFloats(x.Rows*x.Cols)), x); !r.idle() {
			r.put(out, rows)
		}
		r.arena.Release(mark)
	}
}

// moveBack adds the gradient of out, a copy of x on the run's device, to that of x.
func (r *Run) moveBack(x, out Tensor) {
	back := slices.IndexFunc(r.devs, func(dev kernels.Device) bool {
		if x.Grad.OnHost() {
			return dev.OnHost()
		}
		return x.Grad.Owner() == dev
	})
	on := r.on
	r.At(back)
	mark := r.arena.Mark()
	if dy := r.Here(out.gradTensor()); !r.idle() {
		r.dev.Add(x.grad(), x.grad(), dy.array())
	}
	r.arena.Release(mark)
	r.At(on)
}

// lies is the device in whose memory x lies; that of the run where it lies on the host.
func (r *Run) lies(x kernels.Array) kernels.Device {
	if dev := x.Buffer.Owner(); dev != nil {
		return dev
	}
	return r.dev
}
