package loupe

import (
	"context"
	"errors"
	"sync"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/weights"
)

// Step reads the last token of each of the sequences, so that [Sequence.Next] can choose the one after it. Those at which nobody
// looks go through the decoder together, the others one after the other; each has the bits that it has alone, whoever runs
// beside it. A sequence whose own context is canceled, or one of whose activations is not finite, ends with its Err, and no
// other does. What has nothing to read is left as it is: a prompt that was just read, an answer that is over.
//
// Step schedules nothing: which sequences run together, and when, is the caller's. Its error is that of a call that cannot be
// meant, before anything is computed. What goes wrong in computing is the sequences'.
func (m *Model) Step(ctx context.Context, sequences []*Sequence) error {
	w := stepWorks.Get().(*stepWork)
	defer w.done()
	for _, q := range sequences {
		switch {
		case q.m != m:
			return errors.New("a sequence of another model cannot take part in this one's step")
		case q.err != nil || !q.unread:
		case q.s.hooks != nil:
			w.alone = append(w.alone, q)
		default:
			if err := w.join(q); err != nil {
				return err
			}
		}
	}
	for _, q := range w.alone {
		q.read()
	}
	if len(w.together) == 0 {
		return nil
	}
	if err := w.forward(ctx, m); err != nil {
		for _, q := range w.together {
			q.fail(err)
		}
	}
	return nil
}

// stepWork is what a step needs, kept for the next one: many sequences decode without allocating, as one does.
type stepWork struct {
	alone, together []*Sequence
	batch           decoder.Batch
}

var stepWorks = sync.Pool{New: func() any { return new(stepWork) }}

func (w *stepWork) done() {
	clear(w.alone)
	clear(w.together)
	w.alone, w.together = w.alone[:0], w.together[:0]
	w.batch.Reset()
	stepWorks.Put(w)
}

// join lets a sequence take part, unless its context is canceled.
func (w *stepWork) join(q *Sequence) error {
	if err := q.ctx.Err(); err != nil {
		q.fail(err)
		return nil
	}
	ids, pos := q.s.one(q.last.ID)
	w.together = append(w.together, q)
	return w.batch.Add(q.s.cache, ids, pos, nil)
}

// forward runs those that go together. An error is all of theirs.
func (w *stepWork) forward(ctx context.Context, m *Model) (err error) {
	r, done := m.run(ctx, nil)
	defer done()
	defer weights.RecoverFault(&err)
	logits := r.Host(m.Decoder.ForwardBatch(r, &w.batch))
	if err := r.Synchronize(); err != nil {
		return m.explain(err)
	}
	for i, q := range w.together {
		err := m.explain(w.batch.Err(i))
		if err == nil {
			err = q.ctx.Err()
		}
		if err != nil {
			q.fail(err)
			continue
		}
		q.s.logits = append(q.s.logits[:0], logits.Row(i)...)
		q.logits, q.unread = q.s.logits, false
	}
	return nil
}
