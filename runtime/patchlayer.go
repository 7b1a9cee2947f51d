package loupe

import (
	"context"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
)

// stackRows bounds the rows of the patched runs that go together, where one has not more already.
const stackRows = 768

// layer patches every column of a layer and tells the logits of each.
func (s *sweep) layer(ctx context.Context, layer int, tell func(column int, logits []float32)) error {
	n := len(s.corrupted.IDs)
	var columns []int
	var each []decoder.Branch
	rows := 0
	flush := func() error {
		if len(columns) == 0 {
			return nil
		}
		logits, err := s.patched(ctx, layer, columns, each)
		if err != nil {
			return err
		}
		for i, c := range columns {
			tell(c, logits.Row(i))
		}
		columns, each, rows = nil, nil, 0
		return nil
	}
	for i, column := range s.out.Columns {
		at := s.same // a head may differ wherever the prompts have begun to
		if !s.o.Heads {
			at = s.match[column]
		}
		if at < s.same || at == n { // the patch is what is there already
			tell(i, s.logits)
			continue
		}
		if rows+n-at > stackRows {
			if err := flush(); err != nil {
				return err
			}
		}
		columns, each, rows = append(columns, i), append(each, decoder.Branch{At: at, Rows: n - at}), rows+n-at
	}
	return flush()
}

// patched runs some columns of a layer together, each from its first position that can differ on, and returns their logits,
// (columns, vocab_size), in memory of their own.
func (s *sweep) patched(ctx context.Context, layer int, columns []int, each []decoder.Branch) (tensor.Tensor, error) {
	from := layer
	if s.o.Site == "out" {
		from = layer + 1 // the patched stream is all that the layers above see of this one
	}
	x, pos, starts := s.stack(from, each)
	var hooks *hooks
	if s.o.Site == "out" {
		for i, c := range columns {
			copy(x.Row(starts[i]), s.source[layer].Row(s.out.Columns[c]))
		}
	} else {
		hooks = newHooks(nil, nil, s.edits(layer, columns, each, starts))
	}
	r, done := s.m.run(ctx, hooks)
	defer done()
	h := s.m.Decoder.ForwardBranches(r, from, r.Upload(x), pos, s.cache, each)
	var last []int
	for i, b := range each {
		last = append(last, starts[i]+b.Rows-1)
	}
	logits := s.m.Decoder.Logits(r, r.Select(h, last))
	out := r.Download(logits)
	if err := r.Synchronize(); err != nil {
		return tensor.Tensor{}, s.m.explain(err)
	}
	return out, nil
}

// stack lays the rows of all branches one after the other: the corrupted run's residual stream before a layer, their
// positions, and where each branch begins.
func (s *sweep) stack(layer int, each []decoder.Branch) (x tensor.Tensor, pos decoder.Positions, starts []int) {
	before := s.before[layer]
	rows := 0
	for _, b := range each {
		starts = append(starts, rows)
		rows += b.Rows
		for axis := range pos {
			pos[axis] = append(pos[axis], s.corrupted.Positions[axis][b.At:]...)
		}
	}
	x = tensor.Of(rows, before.Cols, make([]float32, rows*before.Cols))
	for i, b := range each {
		copy(x.Floats()[starts[i]*x.Cols:], before.Floats()[b.At*x.Cols:])
	}
	return x, pos, starts
}

// edits are the patches as interventions on the stack: a row of each branch, or a head in all its rows.
func (s *sweep) edits(layer int, columns []int, each []decoder.Branch, starts []int) []Intervention {
	var out []Intervention
	clean := s.source[layer]
	for i, c := range columns {
		iv := Intervention{Tap: s.tap(layer), Op: tensor.Set, Head: AllHeads, Width: clean.Cols}
		patch := func(at int) {
			iv.Rows = append(iv.Rows, starts[i]+s.match[at]-each[i].At)
			iv.Value = append(iv.Value, clean.Row(at)...)
		}
		if s.o.Heads {
			iv.Head = s.out.Columns[c]
			for at, other := range s.match {
				if other >= each[i].At {
					patch(at)
				}
			}
		} else {
			patch(s.out.Columns[c])
		}
		out = append(out, iv)
	}
	return out
}
