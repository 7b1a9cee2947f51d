//go:build cuda && linux && cgo

package cuda

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
)

// elementsArgs is struct Elements of the kernels.
type elementsArgs struct {
	to         [2]address
	of         [4]address
	toRow      [2]int64
	ofRow      [4]int64
	rows, cols int32
	scale      float32
	unused     int32
}

// elements enqueues a kernel over all elements of the first result, or of shape, where that is empty. d.mu is not held.
func (d *Device) elements(name string, shape kernels.Array, scale float32, to [2]kernels.Array, of ...kernels.Array) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.elementsLocked(name, shape, scale, to, of)
}

func (d *Device) elementsLocked(name string, shape kernels.Array, scale float32, to [2]kernels.Array, of []kernels.Array) {
	if shape.Rows == 0 || shape.Cols == 0 || d.err != nil {
		return
	}
	a := elementsArgs{rows: int32(shape.Rows), cols: int32(shape.Cols), scale: scale}
	for i, t := range to {
		if t.Buffer.None() {
			continue
		}
		d.sameShape(name, shape, t)
		a.to[i], a.toRow[i] = d.array(t)
	}
	for i, x := range of {
		if x.Cols != shape.Cols {
			d.sameShape(name, shape, x)
		}
		a.of[i], a.ofRow[i] = d.array(x)
	}
	launch(d, name, flat(shape.Rows*shape.Cols), flatThreads, a)
}

// sameShape fails where an operand has another shape.
func (d *Device) sameShape(name string, want, got kernels.Array) {
	if got.Rows != want.Rows || got.Cols != want.Cols {
		d.fail(fmt.Errorf("cuda: %s of (%d, %d) has an operand of (%d, %d)", name, want.Rows, want.Cols, got.Rows, got.Cols))
	}
}

// one is a result alone.
func one(a kernels.Array) [2]kernels.Array { return [2]kernels.Array{a} }

// Add is dst = a + b.
func (d *Device) Add(dst, a, b kernels.Array) { d.elements("add", dst, 0, one(dst), a, b) }

// Scale is dst = x*s.
func (d *Device) Scale(dst, x kernels.Array, s float32) { d.elements("scale", dst, s, one(dst), x) }

// AddScaled is dst = a + x*s, the product rounded first.
func (d *Device) AddScaled(dst, a, x kernels.Array, s float32) {
	d.elements("add_scaled", dst, s, one(dst), a, x)
}

// ScaleColumns is dst = x with column j times gain[j].
func (d *Device) ScaleColumns(dst, x kernels.Array, gain kernels.Buffer) {
	d.elements("scale_columns", dst, 0, one(dst), x, gain.Row())
}

// Clear sets x to 0.
func (d *Device) Clear(x kernels.Array) { d.elements("clear", x, 0, one(x)) }

// activations are the names of the kernels of functions of one number.
var activations = map[kernels.Activation][2]string{
	kernels.ActivationQuickGELU: {"quick_gelu", "quick_gelu_backward"},
	kernels.ActivationGELU:      {"gelu", "gelu_backward"},
}

// Activate is dst = f(x).
func (d *Device) Activate(f kernels.Activation, dst, x kernels.Array) {
	d.elements(activations[f][0], dst, 0, one(dst), x)
}

// ActivateBackward adds dy*f'(x) to dx.
func (d *Device) ActivateBackward(f kernels.Activation, dx, x, dy kernels.Array) {
	d.elements(activations[f][1], x, 0, one(dx), x, dy)
}

// SwiGLU is dst = silu(gate) * up.
func (d *Device) SwiGLU(dst, gate, up kernels.Array) {
	d.elements("swiglu", dst, 0, one(dst), gate, up)
}

// SwiGLUBackward adds to dgate and dup, either of which may be empty.
func (d *Device) SwiGLUBackward(dgate, dup, gate, up, dy kernels.Array) {
	d.elements("swiglu_backward", dy, 0, [2]kernels.Array{dgate, dup}, gate, up, dy)
}

// CosSin is the cosines and sines of angles in radians.
func (d *Device) CosSin(cos, sin, angles kernels.Array) {
	d.elements("cos_sin_of", angles, 0, [2]kernels.Array{cos, sin}, angles)
}

// dropoutArgs is struct Dropout of the kernels.
type dropoutArgs struct {
	to, of       address
	toRow, ofRow int64
	key, limit   uint64
	rows, cols   int32
	scale        float32
	unused       int32
}

// Dropout is dst = x with a part p of its elements 0 and the others over 1-p.
func (d *Device) Dropout(dst, x kernels.Array, key uint64, p float32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := dropoutArgs{key: key, limit: uint64(float64(p) * (1 << 32)), rows: int32(x.Rows), cols: int32(x.Cols), scale: 1 / (1 - p)}
	a.to, a.toRow = d.array(dst)
	a.of, a.ofRow = d.array(x)
	launch(d, "dropout", flat(x.Rows*x.Cols), flatThreads, a)
}

// rotaryArgs is struct Rotary of the kernels.
type rotaryArgs struct {
	to, of, cos, sin           address
	toRow, ofRow, cosRow, sRow int64
	rows, pairs, half, unused  int32
}

// Rotate turns each head of x, twice as wide as cos, by the angles of its row.
func (d *Device) Rotate(dst, x, cos, sin kernels.Array) { d.rotate("rotate", dst, x, cos, sin) }

// RotateBackward turns dy back and adds it to dx.
func (d *Device) RotateBackward(dx, dy, cos, sin kernels.Array) {
	d.rotate("rotate_backward", dx, dy, cos, sin)
}

func (d *Device) rotate(name string, to, of, cos, sin kernels.Array) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if of.Rows == 0 || of.Cols == 0 {
		return
	}
	if cos.Cols == 0 || of.Cols%(2*cos.Cols) != 0 {
		d.fail(fmt.Errorf("cuda: rows of %d numbers are no heads of twice %d", of.Cols, cos.Cols))
		return
	}
	a := rotaryArgs{rows: int32(of.Rows), pairs: int32(of.Cols / 2), half: int32(cos.Cols)}
	a.to, a.toRow = d.array(to)
	a.of, a.ofRow = d.array(of)
	a.cos, a.cosRow = d.array(cos)
	a.sin, a.sRow = d.array(sin)
	launch(d, name, flat(of.Rows*of.Cols/2), flatThreads, a)
}
