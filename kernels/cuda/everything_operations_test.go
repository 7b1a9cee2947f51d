//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
)

// everything is the operations of a device, by name.
var everything = map[string]func(b *both){
	"Affine": func(b *both) {
		rows, cols, steps := b.about(b.rows), b.about(b.cols), b.about(b.steps)
		host, on := b.weight(cols, steps)
		x, bias, dst := b.array(rows, steps), b.vector(cols), b.array(rows, cols)
		b.what += fmt.Sprintf(", (%d, %d) by %d", rows, cols, steps)
		if b.dice.IntN(2) == 0 {
			bias = pair{}
		}
		b.cpu.Affine(dst.cpu, x.cpu, host, bias.cpu.Buffer)
		b.gpu.Affine(dst.gpu, x.gpu, on, bias.gpu.Buffer)
		b.same(dst)
	},
	"MatMul": func(b *both) {
		rows, cols, steps := b.about(b.rows), b.about(b.cols), b.about(b.steps)
		forms := []kernels.Form{kernels.TransW, kernels.TransW | kernels.Accumulate, kernels.Plain, kernels.Accumulate, kernels.Accumulate | kernels.TransX}
		form := forms[b.dice.IntN(len(forms))]
		x := b.array(rows, steps)
		if form&kernels.TransX != 0 {
			x = b.array(steps, rows)
		}
		wRows, wCols := steps, cols
		if form&kernels.TransW != 0 {
			wRows, wCols = cols, steps
		}
		var host, on kernels.Placed
		if form == kernels.Plain || form == kernels.Accumulate || form == kernels.TransW {
			host, on = b.weight(wRows, wCols)
		} else {
			w := b.array(wRows, wCols)
			host, on = w.cpu.Weight(), w.gpu.Weight()
		}
		dst := b.array(rows, cols)
		b.what += fmt.Sprintf(", form %d, (%d, %d) by %d", form, rows, cols, steps)
		b.cpu.MatMul(dst.cpu, x.cpu, host, form)
		b.gpu.MatMul(dst.gpu, x.gpu, on, form)
		b.same(dst)
	},
	"SumRows": func(b *both) {
		x := b.array(b.about(b.rows), b.about(b.cols))
		dst := b.vector(x.cpu.Cols)
		b.on(func(d kernels.Device, at func(pair) kernels.Array) { d.SumRows(at(dst).Buffer, at(x)) })
		b.same(dst)
	},
	"LayerNorm, RMSNorm": func(b *both) {
		x := b.array(b.about(b.rows), b.about(b.cols))
		w, bias, layer, rms := b.vector(x.cpu.Cols), b.vector(x.cpu.Cols), b.array(x.cpu.Rows, x.cpu.Cols), b.array(x.cpu.Rows, x.cpu.Cols)
		b.on(func(d kernels.Device, at func(pair) kernels.Array) {
			d.LayerNorm(at(layer), at(x), at(w).Buffer, at(bias).Buffer, 1e-6)
			d.RMSNorm(at(rms), at(x), at(w).Buffer, 1e-5)
		})
		b.same(layer, rms)
	},
	"LayerNormBackward, RMSNormBackward": func(b *both) {
		rows, cols := b.about(b.rows), b.about(b.cols)
		x, dy, w := b.array(rows, cols), b.array(rows, cols), b.vector(cols)
		for _, rms := range []bool{false, true} {
			dx, dw, db, mean, root := b.array(rows, cols), b.vector(cols), b.vector(cols), b.vector(rows), b.vector(rows)
			b.on(func(d kernels.Device, at func(pair) kernels.Array) {
				g := kernels.NormGrad{DX: at(dx), X: at(x), DY: at(dy), Weight: at(w).Buffer, Eps: 1e-6, DWeight: at(dw).Buffer, DBias: at(db).Buffer, Mean: at(mean).Buffer, Root: at(root).Buffer}
				if rms {
					g.DBias = kernels.Buffer{}
					d.RMSNormBackward(g)
				} else {
					d.LayerNormBackward(g)
				}
			})
			b.same(dx, dw, db)
		}
	},
	"Activate, ActivateBackward": func(b *both) {
		rows, cols := b.about(b.rows), b.about(b.cols)
		x, dy := b.array(rows, cols), b.array(rows, cols)
		for _, f := range []kernels.Activation{kernels.ActivationQuickGELU, kernels.ActivationGELU} {
			y, dx := b.array(rows, cols), b.array(rows, cols)
			b.on(func(d kernels.Device, at func(pair) kernels.Array) {
				d.Activate(f, at(y), at(x))
				d.ActivateBackward(f, at(dx), at(x), at(dy))
			})
			b.same(y, dx)
		}
	},
	"SwiGLU, SwiGLUBackward": func(b *both) {
		rows, cols := b.about(b.rows), b.about(b.cols)
		gate, up, dy, y, dGate, dUp := b.array(rows, cols), b.array(rows, cols), b.array(rows, cols), b.array(rows, cols), b.array(rows, cols), b.array(rows, cols)
		b.on(func(d kernels.Device, at func(pair) kernels.Array) {
			d.SwiGLU(at(y), at(gate), at(up))
			d.SwiGLUBackward(at(dGate), at(dUp), at(gate), at(up), at(dy))
		})
		b.same(y, dGate, dUp)
	},
	"Add, Scale, AddScaled, Clear": func(b *both) {
		rows, cols, s := b.about(b.rows), b.about(b.cols), float32(b.dice.NormFloat64())
		x, y, sum, scaled, both, none := b.array(rows, cols), b.array(rows, cols), b.array(rows, cols), b.array(rows, cols), b.array(rows, cols), b.array(rows, cols)
		b.on(func(d kernels.Device, at func(pair) kernels.Array) {
			d.Add(at(sum), at(x), at(y))
			d.Scale(at(scaled), at(x), s)
			d.AddScaled(at(both), at(x), at(y), s)
			d.AddScaled(at(y), at(y), at(x), -s) // in its place
			d.Clear(at(none))
		})
		b.same(sum, scaled, both, y, none)
	},
	"ScaleColumns, ScaleColumnsBackward": func(b *both) {
		rows, cols := b.about(b.rows), b.about(b.cols)
		x, dy, y, gain, dGain, lengths := b.array(rows, cols), b.array(rows, cols), b.array(rows, cols), b.vector(cols), b.vector(cols), b.vector(cols)
		b.on(func(d kernels.Device, at func(pair) kernels.Array) {
			d.ScaleColumns(at(y), at(x), at(gain).Buffer)
			d.ScaleColumnsBackward(at(dGain).Buffer, at(x), at(dy), at(lengths).Buffer)
		})
		b.same(y, dGain)
	},
	"Dropout": func(b *both) {
		x := b.array(b.about(b.rows), b.about(b.cols))
		dst, key, p := b.array(x.cpu.Rows, x.cpu.Cols), b.dice.Uint64(), b.dice.Float32()
		b.on(func(d kernels.Device, at func(pair) kernels.Array) { d.Dropout(at(dst), at(x), key, p) })
		b.same(dst)
	},
	"CosSin, Rotate, RotateBackward": func(b *both) {
		rows, half, heads := b.about(b.rows), 1+b.dice.IntN(64), 1+b.dice.IntN(4)
		angles := make([]float32, rows*half)
		for i := range angles {
			angles[i] = float32(b.dice.Float64() * math.Pow(10, b.dice.Float64()*5))
		}
		a, cos, sin := b.of(rows, half, angles), b.array(rows, half), b.array(rows, half)
		x, dy, y, dx := b.array(rows, 2*half*heads), b.array(rows, 2*half*heads), b.array(rows, 2*half*heads), b.array(rows, 2*half*heads)
		b.on(func(d kernels.Device, at func(pair) kernels.Array) {
			d.CosSin(at(cos), at(sin), at(a))
			d.Rotate(at(y), at(x), at(cos), at(sin))
			d.RotateBackward(at(dx), at(dy), at(cos), at(sin))
		})
		b.same(cos, sin, y, dx)
	},
	"Gather, RowLengths, ColumnSquares": func(b *both) {
		rows, cols := b.about(b.rows), b.about(b.cols)
		host, on := b.weight(rows, cols)
		ids := make([]int, b.about(b.rows))
		for i := range ids {
			ids[i] = b.dice.IntN(rows)
		}
		dst := b.array(len(ids), cols)
		b.cpu.Gather(dst.cpu, host, ids)
		b.gpu.Gather(dst.gpu, on, ids)
		first := b.dice.IntN(rows)
		delta := b.array(1+b.dice.IntN(rows-first), cols)
		lengths := b.vector(delta.cpu.Rows)
		b.cpu.RowLengths(lengths.cpu.Buffer, host, first, delta.cpu, 0.375)
		b.gpu.RowLengths(lengths.gpu.Buffer, on, first, delta.gpu, 0.375)
		b.same(dst, lengths)
		want, got := make([]float64, cols), make([]float64, cols)
		b.fatal(b.cpu.ColumnSquares(want, host, first, delta.cpu, 0.375))
		b.fatal(b.gpu.ColumnSquares(got, on, first, delta.gpu, 0.375))
		if !slices.Equal(got, want) {
			b.bad = true
			b.t.Errorf("%s: squares of columns differ", b.what)
		}
	},
	"CopyRows, AddRows": func(b *both) {
		rows, cols := b.about(b.rows), b.about(b.cols)
		x, copied, added := b.array(rows, cols), b.array(rows, cols), b.array(rows, cols)
		from, to, n := b.dice.Perm(rows), b.dice.Perm(rows), b.about(rows)
		twice := make([]int, n)
		for i := range twice {
			twice[i] = b.dice.IntN(rows)
		}
		b.on(func(d kernels.Device, at func(pair) kernels.Array) {
			d.CopyRows(at(copied), to[:n], at(x), from[:n])
			d.AddRows(at(added), twice, at(x), from[:n])
		})
		b.same(copied, added)
	},
	"MeanRows, MeanRowsBackward": func(b *both) {
		rows, cols := b.about(b.rows), b.about(b.cols)
		x, mean, dy, dx := b.array(rows, cols), b.array(1, cols), b.array(1, cols), b.array(rows, cols)
		b.on(func(d kernels.Device, at func(pair) kernels.Array) {
			d.MeanRows(at(mean), at(x))
			d.MeanRowsBackward(at(dx), at(dy))
		})
		b.same(mean, dx)
	},
	"CrossEntropy, CrossEntropyBackward": func(b *both) {
		rows, cols := b.about(b.rows), b.about(b.cols)
		logits, probs, grad := b.array(rows, cols), b.array(rows, cols), b.array(rows, cols)
		labels := make([]int, rows)
		for i := range labels {
			labels[i] = b.dice.IntN(cols+1) - 1
		}
		var losses [2][]float64
		b.on(func(d kernels.Device, at func(pair) kernels.Array) {
			l := make([]float64, rows)
			b.fatal(d.CrossEntropy(l, at(probs), at(logits), labels))
			d.CrossEntropyBackward(at(grad), at(probs), labels, 0.125)
			if losses[1] = l; losses[0] == nil {
				losses[0] = l
			}
		})
		b.same(probs, grad)
		for i, want := range losses[0] {
			if got := losses[1][i]; math.Float64bits(got) != math.Float64bits(want) && (got == got || want == want) {
				b.bad = true
				b.t.Errorf("%s: loss %d is %v and on the processor %v", b.what, i, got, want)
				break
			}
		}
	},
	"Attend": func(b *both) {
		group, kv, width := 1+b.dice.IntN(4), 1+b.dice.IntN(3), 1+b.dice.IntN(40)
		host, on := kernels.Attention{Heads: group * kv, KVHeads: kv, To: group * kv}, kernels.Attention{Heads: group * kv, KVHeads: kv, To: group * kv}
		var outs []pair
		for range 1 + b.dice.IntN(3) {
			p, q := b.part(group*kv*width, kv*width, true)
			host.Parts, on.Parts = append(host.Parts, p), append(on.Parts, q)
			outs = append(outs, pair{p.Out, q.Out})
		}
		b.fatal(b.cpu.Attend(&host))
		b.fatal(b.gpu.Attend(&on))
		b.same(outs...)
	},
	"AttendBackward": func(b *both) {
		group, kv, width := 1+b.dice.IntN(4), 1+b.dice.IntN(3), 1+b.dice.IntN(40)
		p, q := b.part(group*kv*width, kv*width, false)
		host := kernels.Attention{Heads: group * kv, KVHeads: kv, To: group * kv, Parts: []kernels.AttentionPart{p}}
		on := kernels.Attention{Heads: group * kv, KVHeads: kv, To: group * kv, Parts: []kernels.AttentionPart{q}}
		b.fatal(b.cpu.Attend(&host))
		b.fatal(b.gpu.Attend(&on))
		b.fatal(b.cpu.AttendBackward(&host))
		b.fatal(b.gpu.AttendBackward(&on))
		b.same(pair{p.Out, q.Out}, pair{p.DQ, q.DQ}, pair{p.DK, q.DK}, pair{p.DV, q.DV})
	},
	"AdamW": func(b *both) {
		n := b.about(b.cols * 4)
		x, g, m := b.vector(n), b.vector(n), b.vector(n)
		v := b.vector(n)
		b.on(func(d kernels.Device, at func(pair) kernels.Array) { d.Scale(at(v), at(v), 0) })
		s := kernels.AdamWStep{Keep: 0.999, Scale: b.dice.Float32(), Rate: 1e-3, Root: 1.5, Eps: 1e-8, Beta1: 0.1, Beta2: 0.999, Rest2: 0.001}
		for range 2 {
			b.on(func(d kernels.Device, at func(pair) kernels.Array) {
				d.AdamW(at(x).Buffer, at(g).Buffer, at(m).Buffer, at(v).Buffer, s)
			})
		}
		b.same(x, m, v)
	},
	"FirstNonFinite, FindNonFinite": func(b *both) {
		rows, cols := b.about(b.rows), b.about(b.cols)
		x := b.dice.floats(rows*cols, b.kind)
		for range b.dice.IntN(3) {
			x[b.dice.IntN(len(x))] = float32(math.Inf(1))
		}
		p, found := b.of(rows, cols, x), b.vector(rows*kernels.NonFiniteFloats)
		b.on(func(d kernels.Device, at func(pair) kernels.Array) { d.FindNonFinite(at(found).Buffer, at(p)) })
		b.columns(found, rows)
		r, c := b.cpu.FirstNonFinite(p.cpu)
		if s, e := b.gpu.FirstNonFinite(p.gpu); r != s || r >= 0 && c != e {
			b.bad = true
			b.t.Errorf("%s: (%d, %d), and on the processor (%d, %d)", b.what, s, e, r, c)
		}
	},
}

// part is one of an attention, with pages where it has no backward.
func (b *both) part(wide, narrow int, paged bool) (host, on kernels.AttentionPart) {
	queries, more := b.about(b.rows), b.dice.IntN(2)
	first := 1 + b.dice.IntN(b.rows)
	keys := first + more*(queries-1)
	if !paged {
		if keys = queries; more == 1 {
			first = 1
		} else {
			first = queries
		}
	}
	q, out := b.array(queries, wide), b.array(queries, wide)
	host, on = kernels.AttentionPart{Q: q.cpu, Out: out.cpu, First: first, More: more}, kernels.AttentionPart{Q: q.gpu, Out: out.gpu, First: first, More: more}
	page := keys
	if paged && b.dice.IntN(2) == 0 {
		page = 16 // as the pages of a cache: all but the last are of one size
	}
	for at := 0; at < keys; at += page {
		n := min(page, keys-at)
		k, v := b.array(n, narrow), b.array(n, narrow)
		host.K, host.V, on.K, on.V = append(host.K, k.cpu), append(host.V, v.cpu), append(on.K, k.gpu), append(on.V, v.gpu)
	}
	if !paged {
		dOut, dq, dk, dv := b.array(queries, wide), b.array(queries, wide), b.array(keys, narrow), b.array(keys, narrow)
		host.DOut, host.DQ, host.DK, host.DV = dOut.cpu, dq.cpu, dk.cpu, dv.cpu
		on.DOut, on.DQ, on.DK, on.DV = dOut.gpu, dq.gpu, dk.gpu, dv.gpu
	}
	b.what += fmt.Sprintf(", (%d, %d) and %d columns, first %d, more %d, pages of %d", queries, wide, narrow, first, more, page)
	return host, on
}

// columns compares what a search found in each row.
func (b *both) columns(found pair, rows int) {
	got, want := down(b.t, b.gpu, found.gpu), found.cpu.Buffer.Host()
	for r := range rows {
		gotCol, gotValue := kernels.ReadNonFinite(got, r)
		if col, value := kernels.ReadNonFinite(want, r); gotCol != col || col >= 0 && gotValue != value {
			b.bad = true
			b.t.Errorf("%s: of row %d column %d with %v, and on the processor %d with %v", b.what, r, gotCol, gotValue, col, value)
		}
	}
}
