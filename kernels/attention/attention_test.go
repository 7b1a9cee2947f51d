package attention

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
)

func engine(t testing.TB) *kernels.Engine {
	t.Helper()
	e, err := kernels.New(kernels.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// problem is one attention, whose keys and values lie in one page.
type problem struct {
	heads, kvHeads, dim, queries, keys int
	q, k, v                            host.Matrix
}

func (p problem) String() string {
	return fmt.Sprintf("%d of %d heads of %d, %d queries of %d keys", p.kvHeads, p.heads, p.dim, p.queries, p.keys)
}

func newProblem(seed uint64, heads, kvHeads, dim, queries, keys int) problem {
	s := rand.New(rand.NewPCG(seed, 1))
	random := func(rows, cols int) host.Matrix { // columns of something wider, as q, k and v are of one qkv product
		x := make([]float32, rows*(cols+7))
		for i := range x {
			x[i] = float32(s.NormFloat64())
		}
		return host.Dense(rows, cols+7, x).Columns(3, 3+cols)
	}
	return problem{heads, kvHeads, dim, queries, keys, random(queries, heads*dim), random(keys, kvHeads*dim), random(keys, kvHeads*dim)}
}

// attention is the problem as a job, with keys and values in pages of the given lengths, and where its result goes.
func (p problem) attention(first, more int, pages ...int) (*kernels.Attention, host.Matrix) {
	out := host.Dense(p.queries, p.heads*p.dim, make([]float32, p.queries*p.heads*p.dim))
	part := kernels.AttentionPart{Q: p.q.Array(), Out: out.Array(), First: first, More: more}
	at := 0
	for _, n := range pages {
		part.K, part.V = append(part.K, p.k.Slice(at, at+n).Array()), append(part.V, p.v.Slice(at, at+n).Array())
		at += n
	}
	return &kernels.Attention{Heads: p.heads, KVHeads: p.kvHeads, To: p.heads, Parts: []kernels.AttentionPart{part}}, out
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func newScratch() *scratch { return &scratch{matmul: kernels.NewScratch()} }

// bytes is the memory that w has grown to.
func (w *scratch) bytes() int {
	return 4*(cap(w.rows)+cap(w.back)+cap(w.edited)+cap(w.q)+cap(w.out)+cap(w.looked)) + w.matmul.Bytes()
}

// TestScratchIsBounded: packed keys and values and the scratch of 16 workers, for 16,384 keys of the vision tower's size, fit into
// 200 MB.
func TestScratchIsBounded(t *testing.T) {
	const keys, dim, workers, most = 16384, 80, 16, 200 << 20
	e := engine(t)
	a, _ := newProblem(60, 1, 1, dim, keys, keys).attention(keys, 0, keys)
	j, w, memory := &job{eng: e, a: a}, newScratch(), new([]float32)
	packed := j.pack(&a.Parts[0], memory, 0, 1)
	if err := (&block{eng: e, a: a, p: &a.Parts[0], w: w, hi: e.PanelCols()}).panel(packed[0]); err != nil {
		t.Fatal(err)
	}
	shared := max(packedFloats, cap(*memory))
	if got := 4*shared + workers*w.bytes(); got > most {
		t.Errorf("%d bytes of packed keys and values and %d for each worker, want %d in all at most", 4*shared, w.bytes(), most)
	}
}

// TestBlocksOfFewQueries: where keys are many, few queries are scored at a time, and where they are cut does not show.
func TestBlocksOfFewQueries(t *testing.T) {
	const keys, dim, most = 16384, 8, 200 << 20 / 16
	e, w, p := engine(t), newScratch(), newProblem(60, 1, 1, dim, keys, keys)
	of := func(pages ...int) []float32 {
		a, out := p.attention(keys, 0, pages...)
		n := blockOf(&a.Parts[0])
		if n < 12 || n >= queryBlock {
			t.Fatalf("%d queries at a time", n)
		}
		if err := (&block{eng: e, a: a, p: &a.Parts[0], w: w, hi: n}).forward(); err != nil {
			t.Fatal(err)
		}
		return out.Data[:n*dim]
	}
	whole := of(keys)
	if got := w.bytes(); got > most {
		t.Errorf("a worker's scratch for %d keys is %d bytes, want %d at most", keys, got, most)
	}
	if !sameBits(of(3000, keys-3000), whole) {
		t.Error("where keys are cut changes the result")
	}
}

// halving is an inspector that changes the scores and probabilities of head 1.
type halving struct{}

func (halving) Inspect(_ kernels.AttentionStages, head, _ int, rows kernels.Array) (bool, error) {
	if head != 1 {
		return false, nil
	}
	for i := range rows.Rows {
		for c, v := range rows.HostRow(i) {
			rows.HostRow(i)[c] = v * 0.5
		}
	}
	return true, nil
}

// TestPanelsHaveTheBitsOfRows: attention by panels of queries, however few key heads are packed at a time, has the bits of
// attention by rows, for pages of keys of any length, and where somebody makes changes.
func TestPanelsHaveTheBitsOfRows(t *testing.T) {
	defer func(n int) { packedFloats = n }(packedFloats)
	e := engine(t)
	for _, c := range []struct {
		heads, kvHeads, dim, queries, keys int
		pages                              []int
	}{
		{4, 2, 8, 70, 70, []int{70}}, {6, 2, 20, 33, 100, []int{1, 12, 50, 37}}, {3, 3, 80, 96, 613, []int{600, 13}}, {2, 1, 13, 200, 531, []int{531}},
	} {
		p := newProblem(61, c.heads, c.kvHeads, c.dim, c.queries, c.keys)
		for _, stages := range []kernels.AttentionStages{0, kernels.Scores | kernels.Probs} {
			attend := func(each func(a *kernels.Attention) error) []float32 {
				a, out := p.attention(c.keys-c.queries+1, 1, c.pages...)
				a.Inspect, a.Stages = halving{}, stages
				if err := each(a); err != nil {
					t.Fatal(err)
				}
				return out.Data
			}
			want := attend(func(a *kernels.Attention) error {
				for head := range c.heads {
					for lo := 0; lo < c.queries; lo += 50 {
						b := block{eng: e, a: a, p: &a.Parts[0], w: newScratch(), head: head, lo: lo, hi: min(lo+50, c.queries)}
						if err := b.forward(); err != nil {
							return err
						}
					}
				}
				return nil
			})
			for _, packedFloats = range []int{1, 2 * c.keys * (c.dim + 12), 1 << 20} {
				if got := attend(func(a *kernels.Attention) error { return Forward(e, a) }); !sameBits(got, want) {
					t.Errorf("%v in pages of %v, stages %b, %d numbers packed: other bits", p, c.pages, stages, packedFloats)
				}
			}
		}
	}
}
