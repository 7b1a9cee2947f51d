package decoder

import (
	"errors"
	"fmt"

	"github.com/loupe-vl/loupe/kernels/tensor"
)

// Batch is one step of several sequences, each with a cache of its own: their rows pass through the layers together, a
// sequence after the other, so that the weights are read once for all. Each row has the bits that it has where its sequence
// runs alone, whoever else is there. A Batch may be used again, and allocates nothing for a step like those before it.
type Batch struct {
	caches []*Cache
	rows   []tensor.SequenceRows
	ids    []int
	pos    Positions
	vision [][]Vision

	lengths []int       // rows of each sequence
	last    []int       // the last row of each
	kv      []tensor.KV // what each holds in the layer that runs
	copies  tensor.Copies
}

// Reset empties the batch for the next step.
func (b *Batch) Reset() {
	clear(b.caches) // what is gone is not kept
	clear(b.rows)
	clear(b.vision)
	clear(b.kv)
	b.caches, b.rows, b.vision, b.kv = b.caches[:0], b.rows[:0], b.vision[:0], b.kv[:0]
	b.ids, b.lengths, b.last = b.ids[:0], b.lengths[:0], b.last[:0]
	for axis := range b.pos {
		b.pos[axis] = b.pos[axis][:0]
	}
}

// Len is the number of sequences.
func (b *Batch) Len() int { return len(b.caches) }

// Add lets a sequence take part in the step: it reads ids, at positions pos, after what its cache holds. vision are the rows
// to place among the tokens of its whole prompt; nil for none. It copies what it is given.
func (b *Batch) Add(c *Cache, ids []int, pos Positions, vision []Vision) error {
	if len(ids) == 0 {
		return errors.New("a sequence joins a batch with no tokens to read; leave it out of the step")
	}
	for axis := range pos {
		if len(pos[axis]) != len(ids) {
			return fmt.Errorf("a sequence joins a batch with %d tokens and %d positions on axis %d; give each token one", len(ids), len(pos[axis]), axis)
		}
	}
	for _, other := range b.caches {
		if other == c {
			return errors.New("two sequences join a batch with one cache between them; fork it")
		}
	}
	b.caches, b.vision = append(b.caches, c), append(b.vision, vision)
	b.rows = append(b.rows, tensor.SequenceRows{Rows: len(ids), First: c.n})
	b.ids, b.lengths = append(b.ids, ids...), append(b.lengths, len(ids))
	b.last, b.kv = append(b.last, len(b.ids)-1), append(b.kv, tensor.KV{})
	for axis := range pos {
		b.pos[axis] = append(b.pos[axis], pos[axis]...)
	}
	return nil
}

// Err is what ended sequence i in the step, in the order of Add: a row that is not finite. The others are not concerned.
func (b *Batch) Err(i int) error { return b.rows[i].Err }

// ForwardBatch is one step of all sequences of b. The result is the logits after the last token of each, (sequences,
// vocab_size), in the order of Add; those of a sequence whose Err is set mean nothing. Nobody may look: a sequence with taps
// or interventions runs alone, with the same bits.
func (m *Model) ForwardBatch(r *tensor.Run, b *Batch) tensor.Tensor {
	r.Sequences = b.rows
	x := m.EmbedTokens(r, b.ids, nil)
	for i, v := range b.vision {
		if v != nil {
			place(r, x.Slice(b.last[i]+1-b.lengths[i], b.last[i]+1), b.caches[i].n, v)
		}
	}
	h := m.Forward(r, x, b.pos, b)
	if h.Rows > len(b.caches) {
		h = r.Select(h, b.last)
	}
	for i := range b.rows {
		b.rows[i].First += b.lengths[i] - 1
		b.rows[i].Rows = 1
	}
	return m.Logits(r, h)
}

// Attend is each sequence's attention over what its own cache holds, after its rows of k and v have joined it.
func (b *Batch) Attend(r *tensor.Run, l *Layer, q, k, v tensor.Tensor) tensor.Tensor {
	from := 0
	for i, c := range b.caches {
		end := from + b.lengths[i]
		kv, err := c.extendLater(&b.copies, l.Index, k.Slice(from, end), v.Slice(from, end))
		if err != nil {
			b.copies.Forget()
			r.Fail(err)
			return q
		}
		b.kv[i], from = kv, end
	}
	if len(b.caches) > 0 {
		b.caches[0].held.pool.copyAll(l.Index, &b.copies)
	}
	return r.CausalBatch(l.at("self_attn"), q, l.Heads, b.kv, b.lengths)
}

// Commit ends a step of the sequences that it did not end.
func (b *Batch) Commit(int) {
	for i, c := range b.caches {
		if b.rows[i].Err == nil {
			c.Commit(b.lengths[i])
		}
	}
}
