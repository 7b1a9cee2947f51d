package attention

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
)

// forward computes the block by rows: scores = q·k for every visible key, probs = softmax(scores*scale), out = probs·v with the
// keys in order.
func (b *block) forward() error {
	n, keys, eng := b.hi-b.lo, b.keys(), b.eng
	p := rowsOf(&b.w.rows, n, keys)
	q := b.queries(b.p.Q)
	b.overPages(b.p.K, keys, keys, func(page host.Matrix, from, to int) {
		eng.MatMulSerial(b.w.matmul, p.Columns(from, to).View(), q.View(), page.Weight(), kernels.TransW)
	})
	if err := b.probabilities(p); err != nil {
		return err
	}
	if b.inspects(kernels.Probs) {
		if _, err := b.inspect(kernels.Probs, p); err != nil {
			return err
		}
	}
	out, form := b.queries(b.p.Out), kernels.Plain
	b.overPages(b.p.V, keys, valueBlock, func(page host.Matrix, from, to int) {
		eng.MatMulSerial(b.w.matmul, out.View(), p.Columns(from, to).View(), page.Weight(), form)
		form = kernels.Accumulate
	})
	// A row's chain goes on over keys that it does not see, whose probability is 0. That can only turn -0 into +0; adding
	// +0 does so for every row, so that the sign does not tell how the queries were cut into blocks.
	for i := range n {
		row := out.Row(i)
		for c := range row {
			row[c] += 0
		}
	}
	return nil
}

// probabilities makes the scores p, before their scale, probabilities.
func (b *block) probabilities(p host.Matrix) error {
	for i := range p.Rows {
		b.eng.Scale(p.Row(i), p.Row(i), b.scale())
	}
	if b.inspects(kernels.Scores) {
		if _, err := b.inspect(kernels.Scores, p); err != nil {
			return err
		}
	}
	for i := range p.Rows {
		row, seen := p.Row(i), b.p.Visible(b.lo+i)
		b.eng.Softmax(row[:seen])
		clear(row[seen:])
	}
	return nil
}

// overPages calls f with the head's part of each page that holds keys [0, keys), at most so many at a time.
func (b *block) overPages(pages []kernels.Array, keys, most int, f func(page host.Matrix, from, to int)) {
	eachPage(pages, keys, func(i, from, to int) {
		page := b.group(pages[i])
		for at := from; at < to; at += most {
			end := min(at+most, to)
			f(page.Slice(at-from, end-from), at, end)
		}
	})
}

// eachPage calls f with the number of each page that holds some of keys [0, keys), and which.
func eachPage(pages []kernels.Array, keys int, f func(i, from, to int)) {
	at := 0
	for i := 0; i < len(pages) && at < keys; i++ {
		end := min(at+pages[i].Rows, keys)
		f(i, at, end)
		at = end
	}
}
