package loupe

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/decoder"
)

// Sequence is one prompt and what is generated after it: the keys and values of its tokens, how the next token is chosen, when
// the answer ends, and a digest of every logit. [Answer.Tokens] takes one on, [Model.Step] many at once; both choose tokens by
// Next, so that an answer does not tell who ran beside it. It is for one goroutine at a time.
type Sequence struct {
	m   *Model
	ctx context.Context
	s   *state // what it has read

	g       Generation
	sampler *decoder.Sampler
	text    *stopper // nil for a model without a tokenizer
	digest  logitsDigest
	n       int // tokens chosen

	logits []float32 // after the last token that was read
	last   Token     // the last one chosen
	unread bool      // last was not read
	err    error     // what ended it; errOver for a last token, or Close
}

// errOver is what a sequence says that is asked to go on after its end.
var errOver = errors.New("this answer is over, and its keys and values are given back; ask anew")

func (m *Model) newSequence(ctx context.Context, s *state, g Generation) *Sequence {
	q := &Sequence{m: m, ctx: ctx, s: s, g: g, sampler: decoder.NewSampler(g.Sampling, s.p.IDs), digest: logitsDigest{sum: sha256.New()}}
	if m.Tokenizer != nil {
		q.text = newStopper(m.Tokenizer.Stream(), g.Stop)
	}
	return q
}

// Accept chooses a token by the logits after the last one, (vocab_size), which it may change, and says whether it ends the
// answer. Nothing is computed: whoever has the logits may call it. [Sequence.Next] is Accept of the sequence's own.
func (q *Sequence) Accept(logits []float32) (t Token, done bool) {
	q.n++
	q.digest.add(logits)
	t.ID, t.LogProb = q.sampler.Next(logits)
	stopped := false
	switch {
	case !q.g.IgnoreEOS && slices.Contains(q.m.Generation.EosTokenIDs, t.ID):
		t.Finish = "stop"
	case q.text != nil:
		if t.Text, stopped = q.text.push(t.ID); stopped {
			t.Finish = "stop"
		}
	}
	if t.Finish == "" && q.n >= q.room() {
		t.Finish = "length"
	}
	if t.Finish != "" && !stopped && q.text != nil {
		t.Text += q.text.flush()
	}
	q.last, q.unread = t, true
	return t, t.Finish != ""
}

// room is how many tokens the answer may have.
func (q *Sequence) room() int {
	n := q.m.Config.Text.MaxPositionEmbeddings - len(q.s.p.IDs)
	if q.g.MaxTokens > 0 {
		n = min(n, q.g.MaxTokens)
	}
	return n
}

// Next chooses the next token, whose Finish says whether it is the last. What ended the sequence otherwise is an error.
func (q *Sequence) Next() (Token, error) {
	if q.err == nil && (q.unread || q.logits == nil) {
		q.fail(errors.New("the last token of this sequence was not read; step it first"))
	}
	if q.err != nil {
		return Token{}, q.err
	}
	t, done := q.Accept(q.logits)
	if done {
		if err := q.m.unchanged(); err != nil {
			q.fail(err)
			return Token{}, err
		}
		q.fail(errOver)
	}
	return t, nil
}

// read reads the last token, alone.
func (q *Sequence) read() {
	if q.s.hooks != nil {
		q.s.hooks.digests.nextStep()
	}
	logits, err := q.s.next(q.ctx, q.last.ID)
	if err != nil {
		q.fail(err)
		return
	}
	q.logits, q.unread = logits, false
}

// Err is what went wrong and ended the sequence; nil while it goes on, and where it ended with a token or was closed.
func (q *Sequence) Err() error {
	if q.err == errOver {
		return nil
	}
	return q.err
}

// fail ends the sequence, unless it ended before.
func (q *Sequence) fail(err error) {
	if q.err == nil {
		q.err = err
	}
	q.s.cache.Release()
	q.logits = nil
}

// Close gives the keys and values back. A sequence that ended by itself has done so; one that is left before needs it.
func (q *Sequence) Close() { q.fail(errOver) }

// Fork is another answer to the same prompt, which is not read again: both have the pages of its keys and values in common. It
// is made before the first token is chosen, and nobody may be looking.
func (q *Sequence) Fork(ctx context.Context, g Generation) (*Sequence, error) {
	switch err := g.Validate(); {
	case err != nil:
		return nil, err
	case q.err != nil:
		return nil, q.err
	case q.n > 0 || q.s.cache.Len() != len(q.s.p.IDs):
		return nil, fmt.Errorf("this answer has %d tokens already; fork it before the first", q.n)
	case q.s.hooks != nil:
		return nil, errors.New("somebody looks at this answer; ask for the other one by itself")
	}
	cache, err := q.s.cache.Fork(q.s.cache.Len())
	if err != nil {
		return nil, err
	}
	s := &state{m: q.m, p: q.s.p, f: q.s.f, cache: cache, logits: slices.Clone(q.logits)}
	out := q.m.newSequence(ctx, s, g)
	out.logits = s.logits
	return out, nil
}

// LogitsDigest is the SHA-256 of the logits of each step so far, float32 little-endian in order, before any penalty: two
// runs that agree in it agree in every bit.
func (q *Sequence) LogitsDigest() string { return hex.EncodeToString(q.digest.sum.Sum(nil)) }

// logitsDigest is a digest of float32 numbers.
type logitsDigest struct {
	sum hash.Hash
	buf [1 << 12]byte // a few numbers at a time: a vocabulary's logits are as long as a small file
}

func (d *logitsDigest) add(x []float32) {
	for piece := range slices.Chunk(x, len(d.buf)/4) {
		for i, v := range piece {
			binary.LittleEndian.PutUint32(d.buf[4*i:], math.Float32bits(v))
		}
		d.sum.Write(d.buf[:4*len(piece)])
	}
}
