package tensor

// Concat is the rows of parts, each (rows, cols), one after the other; a single part is itself. They may lie on the host.
func (r *Run) Concat(parts ...Tensor) Tensor {
	if len(parts) == 1 {
		return r.Here(parts[0])
	}
	rows := 0
	for _, p := range parts {
		rows += p.Rows
	}
	out := r.New(rows, parts[0].Cols)
	if r.idle() {
		return out
	}
	if r.taping(false, parts...) {
		out = r.WithGrad(out)
	}
	at := 0
	for _, p := range parts {
		p = r.Here(p)
		part := out.Slice(at, at+p.Rows)
		r.copyInto(part, p)
		at += p.Rows
		if out.HasGrad() {
			r.record(func() { p.addGrad(r, part) })
		}
	}
	return out
}
