package bf16

import (
	"sync"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/pool"
)

// Kernels are gemm's with other packing and, by the dot-product instruction, other tiles; and how a row of the left operand is rounded.
type Kernels struct {
	*gemm.Kernels
	round roundFunc
}

// Ways are all in which a machine with these kernels can compute products of bfloat16, which give the same bits. The first is the fastest.
func Ways(ks *gemm.Kernels) []*Kernels {
	if ways := machineWays(ks); ways != nil {
		return ways
	}
	return []*Kernels{emulated(ks, roundEmulated, gemm.Routines{Pack: packEmulated})}
}

// emulated are the kernels that compute products of bfloat16 by the tile of ks, over widened steps of k whose pairs are swapped. They round
// the left operand by round, and take weights by those routines.
func emulated(ks *gemm.Kernels, round roundFunc, by gemm.Routines) *Kernels {
	out := *ks
	by.Layout = gemm.BF16
	out.Dense = []gemm.Routines{by}
	return &Kernels{&out, round}
}

// Multiplier multiplies bfloat16. It is safe for concurrent use.
type Multiplier struct {
	ks   *Kernels
	gemm *gemm.Multiplier
	pool *pool.Pool
	jobs sync.Pool // of *job
}

// New is a multiplier by ks, with the memory of m, on the workers of p.
func New(ks *Kernels, m *gemm.Multiplier, p *pool.Pool) *Multiplier {
	out := &Multiplier{ks: ks, gemm: m.By(ks.Kernels), pool: p}
	out.jobs.New = newJob
	return out
}

// Affine is dst = x Wᵀ in the arithmetic of this package, and then bias added to every row, unless it is nil. The elements of a row of x must
// lie side by side.
func (m *Multiplier) Affine(dst, x gemm.View, w gemm.Matrix, bias []float32) {
	even := (x.Cols + 1) / 2 * 2
	cols := even / m.ks.PerElement
	j := m.jobs.Get().(*job)
	defer m.jobs.Put(j)
	rounded := gemm.View{Data: gemm.Grow(&j.buf, dst.Rows*cols), Rows: dst.Rows, Cols: cols, RowStride: cols, ColStride: 1}
	j.round, j.x, j.rounded = m.ks.round, x, rounded
	m.pool.For(dst.Rows, 1+(1<<14)/(x.Cols+1), j.run)
	m.gemm.Affine(dst, rounded, w, bias)
}

// job is the rounding of a left operand, handed to the pool. It is kept for the next one, with its memory: decoding allocates nothing.
type job struct {
	round      roundFunc
	x, rounded gemm.View
	buf        []float32
	run        func(lo, hi int) // rows, made once
}

func newJob() any {
	j := new(job)
	j.run = j.rows
	return j
}

// rows rounds rows [lo, hi).
func (j *job) rows(lo, hi int) {
	for r := lo; r < hi; r++ {
		j.round(j.rounded.Data[r*j.rounded.RowStride:][:j.rounded.Cols], j.x.Data[r*j.x.RowStride:][:j.x.Cols])
	}
}
