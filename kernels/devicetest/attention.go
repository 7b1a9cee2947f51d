package devicetest

import "github.com/loupe-vl/loupe/kernels"

// Attend computes an attention of the heap.
func (d *Device) Attend(a *kernels.Attention) error { return d.cpu.Attend(d.attention(a)) }

// AttendBackward computes the gradients of an attention of the heap.
func (d *Device) AttendBackward(a *kernels.Attention) error {
	return d.cpu.AttendBackward(d.attention(a))
}

// attention is a with its operands within the heap.
func (d *Device) attention(a *kernels.Attention) *kernels.Attention {
	d.counts(func(c *Counts) { c.Operations++ })
	b := *a
	b.Parts = nil
	for _, p := range a.Parts {
		pages := func(all []kernels.Array) (out []kernels.Array) {
			for _, page := range all {
				out = append(out, d.in(page))
			}
			return out
		}
		p.Q, p.Out, p.K, p.V = d.in(p.Q), d.in(p.Out), pages(p.K), pages(p.V)
		p.DOut, p.DQ, p.DK, p.DV = d.in(p.DOut), d.in(p.DQ), d.in(p.DK), d.in(p.DV)
		b.Parts = append(b.Parts, p)
	}
	if a.Inspect != nil {
		b.Inspect = inspector{d, a.Inspect}
	}
	return &b
}

// inspector hands rows to another in memory of the host that is theirs for the call only.
type inspector struct {
	d  *Device
	of kernels.Inspector
}

// Inspect implements [kernels.Inspector].
func (i inspector) Inspect(at kernels.AttentionStages, head, query int, rows kernels.Array) (changed bool, err error) {
	i.d.counts(func(c *Counts) { c.Inspections++ })
	lent := kernels.HostArray(rows.Rows, rows.Cols, make([]float32, rows.Rows*rows.Cols))
	for r := range rows.Rows {
		copy(lent.HostRow(r), rows.HostRow(r))
	}
	changed, err = i.of.Inspect(at, head, query, lent)
	if changed {
		for r := range rows.Rows {
			copy(rows.HostRow(r), lent.HostRow(r))
		}
	}
	poisoned(lent.Buffer.Host())
	return changed, err
}
