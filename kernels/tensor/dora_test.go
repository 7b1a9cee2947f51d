package tensor

import (
	"context"
	"math"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// doraCases are branches with DoRA. The lengths that it divides by count as constants, so that the twins keep those of the inputs
// that are not moved.
func doraCases() []gradientCase {
	w := newSource(11).tensor(9, 17)
	linear := func(dropout float32) gradientCase {
		op := gradientCase{name: "Linear with DoRA", inputs: [][2]int{{5, 17}, {1, 9}, {3, 17}, {9, 3}, {1, 9}}}
		op.run = func(r *Run, in []Tensor) Tensor {
			l := loraOf(&Linear{Name: "map", W: w.matrix(), Bias: in[1].Data, BiasGrad: in[1].Grad}, in[2], in[3], 1.5, dropout)
			l.LoRA.DoRA = &DoRA{Magnitude: in[4].Data, Grad: in[4].Grad}
			l.Refresh(r.dev)
			return r.Linear(in[0], l)
		}
		var lengths []float64
		op.twin = func(in []matrix) matrix {
			if lengths == nil {
				lengths = lengths64(toMatrix(w), linear64(in[3], columns64(in[2]), nil))
			}
			seen := newMatrix(5, 17)
			for i, kept := range mask(5, 17, dropout) {
				seen.data[i] = in[0].data[i] * kept
			}
			out := linear64(in[0], toMatrix(w), in[1].data)
			base, branch := linear64(seen, toMatrix(w), nil), linear64(linear64(seen, in[2], nil), in[3], nil)
			for i := range out.data {
				gain := in[4].data[i%9] / lengths[i%9]
				out.data[i] += (gain-1)*base.data[i] + gain*1.5*branch.data[i]
			}
			return out
		}
		if dropout > 0 {
			op.name += " and dropout"
		}
		return op
	}
	return []gradientCase{linear(0), linear(0.4), embedding(false), embedding(true)}
}

// embedding is a lookup with a branch beside the table.
func embedding(dora bool) gradientCase {
	table, ids := newSource(12).tensor(6, 5), []int{4, 0, 4, 5}
	op := gradientCase{name: "Embedding with LoRA", inputs: [][2]int{{6, 2}, {5, 2}, {1, 5}}}
	if dora {
		op.name = "Embedding with DoRA"
	}
	op.run = func(r *Run, in []Tensor) Tensor {
		l := &EmbeddingLoRA{A: in[0].matrix(), B: in[1].matrix(), Scale: 1.5, AGrad: in[0].Grad, BGrad: in[1].Grad}
		if dora {
			l.DoRA = &DoRA{Magnitude: in[2].Data, Grad: in[2].Grad}
			l.Refresh(r.dev, table.matrix())
		}
		return r.Embedding(table.matrix(), kernels.Buffer{}, l, ids)
	}
	var lengths []float64
	op.twin = func(in []matrix) matrix {
		delta := linear64(in[0], in[1], nil)
		if lengths == nil {
			lengths = lengths64(columns64(toMatrix(table)), columns64(delta))
		}
		out := newMatrix(len(ids), 5)
		for i, id := range ids {
			for j := range 5 {
				v := float64(table.Row(id)[j]) + 1.5*delta.at(id, j)
				if dora {
					v *= in[2].data[j] / lengths[j]
				}
				out.set(i, j, v)
			}
		}
		return out
	}
	return op
}

// columns64 is a matrix with columns for rows.
func columns64(m matrix) matrix {
	out := newMatrix(m.cols, m.rows)
	for r := range m.rows {
		for c := range m.cols {
			out.set(c, r, m.at(r, c))
		}
	}
	return out
}

// lengths64 are the lengths of the rows of w + 1.5*delta.
func lengths64(w, delta matrix) []float64 {
	out := make([]float64, w.rows)
	for r := range w.rows {
		for c := range w.cols {
			out[r] += math.Pow(w.at(r, c)+1.5*delta.at(r, c), 2)
		}
		out[r] = math.Sqrt(out[r])
	}
	return out
}

// TestDoRAThreads: the lengths, the result and the gradients are the same bits with any number of threads, and where a block is
// computed again, as where it is kept.
func TestDoRAThreads(t *testing.T) {
	s := newSource(13)
	w, x, a, b, m := s.tensor(150, 70), s.tensor(6, 70), s.tensor(3, 70), s.tensor(150, 3), s.tensor(1, 150)
	back := s.tensor(70, 150)
	of := func(threads int, recompute bool) []float32 {
		r := NewRun(context.Background(), device(t, threads), new(Arena), nil)
		r.DropoutSeed = 5
		l := &Linear{Name: "map", W: w.matrix(), LoRA: &LoRA{A: a.matrix(), B: b.matrix(), Scale: 2, Dropout: 0.3,
			AGrad: kernels.HostBuffer(make([]float32, len(a.Data.Host()))), BGrad: kernels.HostBuffer(make([]float32, len(b.Data.Host()))), DoRA: &DoRA{Magnitude: m.Data, Grad: kernels.HostBuffer(make([]float32, len(m.Data.Host())))}}}
		l.Refresh(r.dev)
		r.Record(&Tape{Recompute: recompute})
		in := x.Clone()
		in.Grad = kernels.HostBuffer(make([]float32, in.Data.Len()))
		out := r.Scope(in, func(x Tensor) Tensor { return r.Linear(r.Linear(x, l), &Linear{Name: "back", W: back.matrix()}) })
		for i := range out.Grad.Host() {
			out.Grad.Host()[i] = out.Data.Host()[i]
		}
		r.Backward()
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		all := append([]float32(nil), out.Data.Host()...)
		for _, g := range [][]float32{in.Grad.Host(), l.LoRA.AGrad.Host(), l.LoRA.BGrad.Host(), l.LoRA.DoRA.Grad.Host(), l.LoRA.DoRA.Lengths().Host()} {
			all = append(all, g...)
		}
		return all
	}
	want := of(1, false)
	for _, recompute := range []bool{false, true} {
		for _, threads := range []int{1, 2, 5} {
			for i, v := range of(threads, recompute) {
				if math.Float32bits(v) != math.Float32bits(want[i]) {
					t.Fatalf("%d threads, recompute %v: number %d is %v, want %v", threads, recompute, i, v, want[i])
				}
			}
		}
	}
}
