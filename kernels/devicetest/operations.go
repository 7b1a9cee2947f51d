package devicetest

import "github.com/loupe-vl/loupe/kernels"

// Affine is the processor's.
func (d *Device) Affine(dst, x kernels.Array, w kernels.Placed, bias kernels.Buffer) {
	d.cpu.Affine(d.in(dst), d.in(x), d.weight(w), d.memory(bias))
}

// MatMul is the processor's.
func (d *Device) MatMul(dst, x kernels.Array, w kernels.Placed, form kernels.Form) {
	d.cpu.MatMul(d.in(dst), d.in(x), d.weight(w), form)
}

// SumRows is the processor's.
func (d *Device) SumRows(dst kernels.Buffer, x kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.SumRows(d.memory(dst), d.in(x))
}

// LayerNorm is the processor's.
func (d *Device) LayerNorm(dst, x kernels.Array, weight, bias kernels.Buffer, eps float32) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.LayerNorm(d.in(dst), d.in(x), d.memory(weight), d.memory(bias), eps)
}

// LayerNormBackward is the processor's.
func (d *Device) LayerNormBackward(g kernels.NormGrad) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.LayerNormBackward(d.norm(g))
}

// RMSNorm is the processor's.
func (d *Device) RMSNorm(dst, x kernels.Array, weight kernels.Buffer, eps float32) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.RMSNorm(d.in(dst), d.in(x), d.memory(weight), eps)
}

// RMSNormBackward is the processor's.
func (d *Device) RMSNormBackward(g kernels.NormGrad) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.RMSNormBackward(d.norm(g))
}

// Activate is the processor's.
func (d *Device) Activate(f kernels.Activation, dst, x kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.Activate(f, d.in(dst), d.in(x))
}

// ActivateBackward is the processor's.
func (d *Device) ActivateBackward(f kernels.Activation, dx, x, dy kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.ActivateBackward(f, d.in(dx), d.in(x), d.in(dy))
}

// SwiGLU is the processor's.
func (d *Device) SwiGLU(dst, gate, up kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.SwiGLU(d.in(dst), d.in(gate), d.in(up))
}

// SwiGLUBackward is the processor's.
func (d *Device) SwiGLUBackward(dgate, dup, gate, up, dy kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.SwiGLUBackward(d.in(dgate), d.in(dup), d.in(gate), d.in(up), d.in(dy))
}

// Add is the processor's.
func (d *Device) Add(dst, a, b kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.Add(d.in(dst), d.in(a), d.in(b))
}

// Scale is the processor's.
func (d *Device) Scale(dst, x kernels.Array, s float32) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.Scale(d.in(dst), d.in(x), s)
}

// AddScaled is the processor's.
func (d *Device) AddScaled(dst, a, x kernels.Array, s float32) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.AddScaled(d.in(dst), d.in(a), d.in(x), s)
}

// ScaleColumns is the processor's.
func (d *Device) ScaleColumns(dst, x kernels.Array, gain kernels.Buffer) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.ScaleColumns(d.in(dst), d.in(x), d.memory(gain))
}

// ScaleColumnsBackward is the processor's.
func (d *Device) ScaleColumnsBackward(dgain kernels.Buffer, x, dy kernels.Array, lengths kernels.Buffer) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.ScaleColumnsBackward(d.memory(dgain), d.in(x), d.in(dy), d.memory(lengths))
}

// Dropout is the processor's.
func (d *Device) Dropout(dst, x kernels.Array, key uint64, p float32) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.Dropout(d.in(dst), d.in(x), key, p)
}

// Clear is the processor's.
func (d *Device) Clear(x kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.Clear(d.in(x))
}

// CosSin is the processor's.
func (d *Device) CosSin(cos, sin, angles kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.CosSin(d.in(cos), d.in(sin), d.in(angles))
}

// Rotate is the processor's.
func (d *Device) Rotate(dst, x, cos, sin kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.Rotate(d.in(dst), d.in(x), d.in(cos), d.in(sin))
}

// RotateBackward is the processor's.
func (d *Device) RotateBackward(dx, dy, cos, sin kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.RotateBackward(d.in(dx), d.in(dy), d.in(cos), d.in(sin))
}

// Gather is the processor's.
func (d *Device) Gather(dst kernels.Array, table kernels.Placed, ids []int) {
	d.cpu.Gather(d.in(dst), d.weight(table), ids)
}

// CopyRows is the processor's.
func (d *Device) CopyRows(dst kernels.Array, to []int, src kernels.Array, from []int) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.CopyRows(d.in(dst), to, d.in(src), from)
}

// AddRows is the processor's.
func (d *Device) AddRows(dst kernels.Array, to []int, src kernels.Array, from []int) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.AddRows(d.in(dst), to, d.in(src), from)
}

// MeanRows is the processor's.
func (d *Device) MeanRows(dst, x kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.MeanRows(d.in(dst), d.in(x))
}

// MeanRowsBackward is the processor's.
func (d *Device) MeanRowsBackward(dx, dy kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.MeanRowsBackward(d.in(dx), d.in(dy))
}

// CrossEntropy is the processor's.
func (d *Device) CrossEntropy(losses []float64, probs, logits kernels.Array, labels []int) error {
	d.counts(func(c *Counts) { c.Operations++ })
	return d.cpu.CrossEntropy(losses, d.in(probs), d.in(logits), labels)
}

// CrossEntropyBackward is the processor's.
func (d *Device) CrossEntropyBackward(dlogits, probs kernels.Array, labels []int, scale float32) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.CrossEntropyBackward(d.in(dlogits), d.in(probs), labels, scale)
}

// RowLengths is the processor's.
func (d *Device) RowLengths(dst kernels.Buffer, w kernels.Placed, first int, delta kernels.Array, scale float32) {
	d.cpu.RowLengths(d.memory(dst), d.weight(w), first, d.in(delta), scale)
}

// ColumnSquares is the processor's.
func (d *Device) ColumnSquares(sums []float64, w kernels.Placed, first int, delta kernels.Array, scale float32) error {
	return d.cpu.ColumnSquares(sums, d.weight(w), first, d.in(delta), scale)
}

// AdamW is the processor's.
func (d *Device) AdamW(x, grad, m, v kernels.Buffer, s kernels.AdamWStep) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.AdamW(d.memory(x), d.memory(grad), d.memory(m), d.memory(v), s)
}

// FirstNonFinite is the processor's.
func (d *Device) FirstNonFinite(x kernels.Array) (row, col int) {
	d.counts(func(c *Counts) { c.Operations++ })
	return d.cpu.FirstNonFinite(d.in(x))
}

// FindNonFinite is the processor's.
func (d *Device) FindNonFinite(found kernels.Buffer, x kernels.Array) {
	d.counts(func(c *Counts) { c.Operations++ })
	d.cpu.FindNonFinite(d.memory(found), d.in(x))
}

// norm is g with its operands within the heap.
func (d *Device) norm(g kernels.NormGrad) kernels.NormGrad {
	g.DX, g.X, g.DY = d.in(g.DX), d.in(g.X), d.in(g.DY)
	g.Weight, g.DWeight, g.DBias = d.memory(g.Weight), d.memory(g.DWeight), d.memory(g.DBias)
	g.Mean, g.Root = d.memory(g.Mean), d.memory(g.Root)
	return g
}
