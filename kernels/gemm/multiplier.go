package gemm

import (
	"sync"

	"github.com/loupe-vl/loupe/kernels/internal/cpu"
	"github.com/loupe-vl/loupe/kernels/internal/pool"
)

// Form says which product a MatMul computes: Plain, or a sum of the others.
type Form uint8

// The parts of a Form.
const (
	Plain      Form = 0      // dst = x W, as with the values of attention
	TransW     Form = 1 << 0 // W is used transposed, as a torch.nn.Linear's weight, (out, in), or the keys of attention
	Accumulate Form = 1 << 1 // the product is added to dst
	TransX     Form = 1 << 2 // of a kernels.Device: x is used transposed, as the gradient of a weight has it
)

// from is what routines are told: 1 to go on from what dst holds, 0 to begin with +0.
func (f Form) from() int { return int(f&Accumulate) / int(Accumulate) }

// Multiplier multiplies by some kernels on a pool of workers. It is safe for concurrent use.
type Multiplier struct {
	ks     *Kernels
	pool   *pool.Pool
	left   leftBlocks
	memory *memory
}

// memory is kept from one product to the next: decoding allocates nothing.
type memory struct {
	scratch  sync.Pool // of *Scratch
	packed   sync.Pool // of *[]float32: the left operand of a product
	gemvJobs sync.Pool // of *gemvJob
}

// New is a multiplier by ks on the workers of p.
func New(ks *Kernels, p *pool.Pool) *Multiplier {
	m := &memory{}
	m.scratch.New = func() any { return NewScratch() }
	m.packed.New = func() any { return new([]float32) }
	m.gemvJobs.New = newGEMVJob
	return &Multiplier{ks: ks, pool: p, left: leftBlocksFor(cpu.SecondLevelCache()), memory: m}
}

// By is m with other kernels, and the same workers and memory.
func (m *Multiplier) By(ks *Kernels) *Multiplier {
	out := *m
	out.ks = ks
	return &out
}

// Kernels are those that m multiplies by.
func (m *Multiplier) Kernels() *Kernels { return m.ks }

// Scratch is working memory for one goroutine, which gives it back with Put.
func (m *Multiplier) Scratch() *Scratch { return m.memory.scratch.Get().(*Scratch) }

// Put gives a Scratch back.
func (m *Multiplier) Put(s *Scratch) { m.memory.scratch.Put(s) }

// MatMul computes dst[r][c] = sum over k of x[r][k]*w(k, c), by law 1: acc = fma(x[r][k], w(k, c), acc) for k ascending,
// from +0, or from dst with Accumulate. w(k, c) is W[c][k] with TransW, else W[k][c]. dst must have a column stride of 1 and
// may not overlap x. Weights of any layout stand for the float32 numbers that they hold.
func (m *Multiplier) MatMul(dst, x View, w Matrix, form Form) { m.matMul(dst, x, w, form, nil) }

// Affine is MatMul with TransW, and then bias added to every row of dst: the same bits, but that dst is added to while it lies in
// the cache. bias is nil for none.
func (m *Multiplier) Affine(dst, x View, w Matrix, bias []float32) { m.matMul(dst, x, w, TransW, bias) }

func (m *Multiplier) matMul(dst, x View, matrix Matrix, form Form, bias []float32) {
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	w := m.ks.operand(matrix)
	done := m.ks.gemvColumns(dst, x, &w, form)
	// One piece for each thread: a product prefetches the columns that come next, and at the end of a piece that is wasted.
	pieces := done / gemvCols
	if pieces > 0 {
		j := m.memory.gemvJobs.Get().(*gemvJob)
		j.m, j.gemv = m, gemv{ks: m.ks, dst: dst, x: x, w: w, form: form, low: j.low}
		j.pad(j.low)
		m.pool.For(pieces, (pieces+m.pool.Threads()-1)/m.pool.Threads(), j.run)
		m.memory.gemvJobs.Put(j)
		m.ks.AddBias(dst, bias, 0, dst.Rows, 0, done)
	}
	if done < dst.Cols {
		m.byPanels(product{dst: dst, w: w, form: form, bias: bias}, x, done)
	}
}

// byPanels computes the columns of all, the product with x, from done on, a block of x after the other.
func (m *Multiplier) byPanels(all product, x View, done int) {
	buf := m.memory.packed.Get().(*[]float32)
	defer m.memory.packed.Put(buf)
	rows, steps := m.left.of(m.ks.MR, all.dst.Rows, x.Cols)
	for r := 0; r < all.dst.Rows; r += rows {
		for k := 0; k == 0 || k < x.Cols; k += steps {
			q := all
			q.dst, q.from, q.to = all.dst.Part(r, min(rows, all.dst.Rows-r), 0, all.dst.Cols), k, min(k+steps, x.Cols)
			if k > 0 {
				q.form |= Accumulate
			}
			if q.to < x.Cols {
				q.bias = nil
			}
			m.blockByPanels(q, x.Part(r, q.dst.Rows, k, q.to-k), buf, done)
		}
	}
}

// blockByPanels packs x, a block of the left operand of q, and computes the columns of q from done on.
func (m *Multiplier) blockByPanels(q product, x View, buf *[]float32, done int) {
	ks := m.ks
	tiles := ks.tiles(x.Rows)
	q.x = Grow(buf, tiles*ks.MR*x.Cols)
	m.pool.For(tiles, 1+(1<<13)/(ks.MR*x.Cols+1), func(lo, hi int) { ks.packTiles(q.x, x, lo, hi) })
	first, panels := done/ks.NR, (q.dst.Cols+ks.NR-1)/ks.NR
	m.pool.For(panels-first, 1, func(lo, hi int) {
		s := m.Scratch()
		defer m.Put(s)
		q.compute(ks, s, first+lo, first+hi)
	})
}

// MatMulSerial is MatMul on the caller's goroutine, for work that is itself a piece of a For.
func (m *Multiplier) MatMulSerial(s *Scratch, dst, x View, matrix Matrix, form Form) {
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	ks := m.ks
	w := ks.operand(matrix)
	done := ks.gemvColumns(dst, x, &w, form)
	if done > 0 {
		q := gemv{ks: ks, dst: dst, x: x, w: w, form: form}
		q.pad(s.x)
		s.x = q.low
		for c := 0; c < done; c += gemvCols {
			q.columns(s, c)
		}
	}
	if done == dst.Cols {
		return
	}
	tiles := ks.tiles(dst.Rows)
	q := product{dst: dst, x: Grow(&s.x, tiles*ks.MR*x.Cols), w: w, form: form, to: x.Cols}
	ks.packTiles(q.x, x, 0, tiles)
	q.compute(ks, s, done/ks.NR, (dst.Cols+ks.NR-1)/ks.NR)
}
