package attention

import (
	"math"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
)

// Bounds of the scratch of attention by rows, and of its backward. Each worker has a scratch of its own.
const (
	queryBlock  = 192     // the most queries that are scored together
	blockScores = 2 << 20 // the most scores of a block: with many keys a block has fewer queries
	valueBlock  = 2048    // keys whose values are gathered at a time
)

// Forward computes an attention with the kernels and on the workers of eng.
func Forward(eng *kernels.Engine, a *kernels.Attention) error {
	j := jobs.Get().(*job)
	j.eng, j.a = eng, a
	for i := range a.Parts {
		switch p := &a.Parts[i]; {
		case p.Q.Rows == 0:
		case p.Q.Rows >= eng.PanelCols():
			j.tiled(p)
		default:
			j.few = append(j.few, p)
		}
	}
	// Parts of few rows, which decoding has, are one job, so that short ones do not leave threads without work.
	eng.For(len(j.few)*(a.To-a.From), 1, j.run)
	err := j.err
	clear(j.few) // the pool keeps nobody's memory
	*j = job{few: j.few[:0], run: j.run}
	jobs.Put(j)
	return err
}

// job is an attention, handed to the workers. It is kept for the next one: decoding allocates nothing.
type job struct {
	eng *kernels.Engine
	a   *kernels.Attention
	few []*kernels.AttentionPart // whose queries are rows
	run func(lo, hi int)         // heads of few, made once

	mu  sync.Mutex
	err error // the first
}

var jobs = sync.Pool{New: func() any {
	j := new(job)
	j.run = j.heads
	return j
}}

// fail keeps the first error.
func (j *job) fail(err error) {
	if err == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = err
	}
}

// heads computes pieces [lo, hi), each a head of a part of few rows.
func (j *job) heads(lo, hi int) {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	n := j.a.To - j.a.From
	for i := lo; i < hi; i++ {
		p := j.few[i/n]
		for q, size := 0, blockOf(p); q < p.Q.Rows; q += size {
			b := block{eng: j.eng, a: j.a, p: p, w: w, head: j.a.From + i%n, lo: q, hi: min(q+size, p.Q.Rows)}
			j.fail(b.forward())
		}
	}
}

// blockOf is how many queries of a part are scored together.
func blockOf(p *kernels.AttentionPart) int {
	return max(1, min(queryBlock, blockScores/max(1, p.Keys())))
}

// block is queries [lo, hi) of a head.
type block struct {
	eng          *kernels.Engine
	a            *kernels.Attention
	p            *kernels.AttentionPart
	w            *scratch
	head, lo, hi int
}

// width is the columns of a head.
func (b *block) width() int { return b.p.Q.Cols / b.a.Heads }

// scale is the softmax scale of the reference, head_dim^-0.5.
func (b *block) scale() float32 { return float32(1 / math.Sqrt(float64(b.width()))) }

// keys is how many keys the block needs: its last row sees the most.
func (b *block) keys() int { return b.p.Visible(b.hi - 1) }

// queries is the block's part of an array of all queries and heads.
func (b *block) queries(of kernels.Array) host.Matrix {
	d := b.width()
	return host.Of(of).Slice(b.lo, b.hi).Columns(b.head*d, (b.head+1)*d)
}

// group is the columns of a page that the head reads.
func (b *block) group(page kernels.Array) host.Matrix {
	d, g := b.width(), b.head/(b.a.Heads/b.a.KVHeads)
	return host.Of(page).Columns(g*d, (g+1)*d)
}

// inspects reports whether the inspector is to be called at a stage.
func (b *block) inspects(at kernels.AttentionStages) bool { return b.a.Stages&at != 0 }

// inspect shows rows to the inspector.
func (b *block) inspect(at kernels.AttentionStages, rows host.Matrix) (changed bool, err error) {
	return b.a.Inspect.Inspect(at, b.head, b.lo, rows.Array())
}

// scratch is what one worker needs for one block of queries.
type scratch struct {
	matmul     *kernels.Scratch
	rows, back []float32 // of scores and probabilities, and of their gradients
	edited     []float32 // probabilities after changes, where their gradient needs those before as well
	q, out     []float32 // panels of queries and results
	looked     []float32 // a panel of scores or probabilities, as rows
}

var scratches = sync.Pool{New: func() any { return &scratch{matmul: kernels.NewScratch()} }}

// rowsOf is n rows of memory that *s keeps, each as long as keys. It grows by 256 numbers at least: every step of decoding sees one
// key more, and should not allocate for it.
func rowsOf(s *[]float32, n, keys int) host.Matrix {
	if cap(*s) < n*keys {
		*s = make([]float32, (n*keys+255)/256*256)
	}
	return host.Dense(n, keys, (*s)[:n*keys])
}
