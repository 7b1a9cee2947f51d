package sbert

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/weights"
)

// Encoder is a loaded sentence encoder. It is read-only and safe for concurrent use until Close.
type Encoder struct {
	dir       string
	device    kernels.Device
	tokenizer *tokenizer.WordPiece
	prompt    string // goes before every text
	longest   int    // tokens of the longest text; what is beyond is cut off
	width     int
	bert      *bert
	modules   []module
	files     []*weights.Checkpoint
	arenas    sync.Pool // of *tensor.Arena
}

// Width is the length of the vectors that Embed returns.
func (e *Encoder) Width() int { return e.width }

// Longest is how many tokens of a text are read, [CLS] and [SEP] among them; what is beyond is cut off, as
// sentence-transformers does.
func (e *Encoder) Longest() int { return e.longest }

// Embed is the vector of a text, Width long: SentenceTransformer.encode of one text. The error is the context's, or says
// where the weights gave an infinity.
func (e *Encoder) Embed(ctx context.Context, text string) (vector []float32, err error) {
	defer weights.CatchFaults(&err)()
	ids, err := e.tokenizer.Encode(e.prompt+text, e.longest)
	if err != nil {
		return nil, fmt.Errorf("sentence encoder %s: %w", e.dir, err)
	}
	arena := e.arenas.Get().(*tensor.Arena)
	defer e.arenas.Put(arena)
	arena.Reset()
	r := tensor.NewRun(ctx, e.device, arena, nil)
	x := e.bert.forward(r, ids)
	for _, m := range e.modules {
		if r.Err() == nil {
			x = m.forward(r, x)
		}
	}
	r.Finite(tensor.At("sentence_embedding", ""), x)
	vector = r.Download(x).Floats()
	if err := r.Synchronize(); err != nil {
		return nil, fmt.Errorf("sentence encoder %s: %w", e.dir, err)
	}
	for _, f := range e.files {
		if err := f.Unchanged(); err != nil {
			return nil, fmt.Errorf("sentence encoder %s: %w", e.dir, err)
		}
	}
	return vector, nil
}

// Close gives the maps of the weights back.
func (e *Encoder) Close() error {
	var err error
	for _, f := range e.files {
		if closing := f.Close(); err == nil {
			err = closing
		}
	}
	return err
}

// Cosine is the cosine of the angle between two vectors of one length, in float64 and in order; 0 where one of them is 0.
func Cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab += float64(x * y)
		aa += float64(x * x)
		bb += float64(y * y)
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return min(max(ab/math.Sqrt(float64(aa*bb)), -1), 1)
}
