package tensor

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
)

// queryBlock is how many queries the processor scores together.
const queryBlock = 192

// problem is one attention: q and what it attends to, all in one page.
type problem struct {
	heads, kvHeads, dim, queries, keys int
	q, k, v                            Tensor
}

func (p problem) String() string {
	return fmt.Sprintf("%d of %d heads of %d, %d queries of %d keys", p.kvHeads, p.heads, p.dim, p.queries, p.keys)
}

func newProblem(s source, heads, kvHeads, dim, queries, keys int) problem {
	return problem{heads, kvHeads, dim, queries, keys, s.window(queries, heads*dim), s.window(keys, kvHeads*dim), s.window(keys, kvHeads*dim)}
}

// cut is the keys and values in pages of the given lengths.
func (p problem) cut(pages ...int) KV {
	kv, at := KV{KVHeads: p.kvHeads}, 0
	for _, n := range pages {
		kv.K, kv.V = append(kv.K, p.k.Slice(at, at+n)), append(kv.V, p.v.Slice(at, at+n))
		at += n
	}
	return kv
}

// naive is softmax(q·k/sqrt(dim))·v in float64: the result (queries, heads*dim), and scores and probabilities (heads,
// queries, keys), with -Inf and 0 where a query does not see a key. seen gives the keys [lo, hi) that a query sees.
func (p problem) naive(seen func(query int) (lo, hi int)) (out, scores, probs []float64) {
	out = make([]float64, p.queries*p.heads*p.dim)
	for h := range p.heads {
		kv := h * p.kvHeads / p.heads * p.dim
		for i := range p.queries {
			row := make([]float64, p.keys)
			lo, hi := seen(i)
			for j := range row {
				row[j] = math.Inf(-1)
				if j >= lo && j < hi {
					row[j] = 0
					for c := range p.dim {
						row[j] += float64(p.q.Row(i)[h*p.dim+c]) * float64(p.k.Row(j)[kv+c])
					}
					row[j] /= math.Sqrt(float64(p.dim))
				}
			}
			scores = append(scores, row...)
			sum := 0.0
			for _, s := range row {
				sum += math.Exp(s)
			}
			for j, s := range row {
				probability := math.Exp(s) / sum
				probs = append(probs, probability)
				for c := range p.dim {
					out[(i*p.heads+h)*p.dim+c] += probability * float64(p.v.Row(j)[kv+c])
				}
			}
		}
	}
	return out, scores, probs
}

// causal is what the queries see where the last of them is the last key.
func (p problem) causal(query int) (lo, hi int) { return 0, p.keys - p.queries + query + 1 }

var (
	tower   = At("blocks.0", "attn")
	decoder = At("layers.0", "self_attn")
)

const attentionTolerance = 1e-6

func TestCausal(t *testing.T) {
	for i, c := range []struct {
		heads, kvHeads, dim, queries int
		pages                        []int
	}{
		{1, 1, 4, 1, []int{1}},
		{2, 2, 8, 5, []int{5}},
		{6, 2, 8, 17, []int{17}},                               // grouped queries
		{4, 1, 16, 3, []int{20}},                               // a past
		{12, 2, 8, 1, []int{9, 0, 30, 1}},                      // decoding, with the past in pages
		{2, 1, 6, 70, []int{70}},                               // more queries than one block
		{2, 2, 8, queryBlock, []int{100, queryBlock}},          // exactly one
		{2, 1, 8, 2*queryBlock + 1, []int{7, 300, 100}},        // blocks that end inside pages
		{1, 1, 33, 3, []int{kBlockOfKernels + 1, 1, 2}},        // more keys than a panel of the matrix product
		{2, 1, 4, 2, []int{1, 1, 1, kBlockOfKernels, 1, 1, 1}}, // and pages of one key
	} {
		keys := 0
		for _, n := range c.pages {
			keys += n
		}
		p := newProblem(newSource(uint64(i)), c.heads, c.kvHeads, c.dim, c.queries, keys)
		t.Run(fmt.Sprintf("%v in pages %v", p, c.pages), func(t *testing.T) {
			r := newRun(t, nil)
			got := r.Causal(decoder, p.q, p.heads, p.cut(c.pages...))
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			want, _, _ := p.naive(p.causal)
			near(t, "attention", got.Data.Host(), want, attentionTolerance)
		})
	}
}

// kBlockOfKernels is the greatest length of a panel in package kernels.
const kBlockOfKernels = 512

func TestWithin(t *testing.T) {
	for i, c := range []struct {
		heads, kvHeads, dim int
		segments            []Segment
	}{
		{1, 1, 4, []Segment{{0, 1, 0}}},
		{2, 2, 8, []Segment{{0, 6, 0}}},
		{4, 2, 8, []Segment{{0, 4, 0}, {4, 5, 1}, {5, 20, 2}}},
		{2, 2, 20, []Segment{{0, queryBlock + 3, 0}, {queryBlock + 3, 3 * queryBlock, 1}}},
	} {
		n := c.segments[len(c.segments)-1].End
		p := newProblem(newSource(uint64(100+i)), c.heads, c.kvHeads, c.dim, n, n)
		t.Run(fmt.Sprintf("%v in segments %v", p, c.segments), func(t *testing.T) {
			r := newRun(t, nil)
			got := r.AttentionVarlen(tower, p.q, p.heads, Keys(p.k, p.v, p.kvHeads), c.segments)
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			want, _, _ := p.naive(func(query int) (lo, hi int) {
				for _, s := range c.segments {
					if query >= s.Start && query < s.End {
						return s.Start, s.End
					}
				}
				t.Fatalf("no segment holds row %d", query)
				return 0, 0
			})
			near(t, "attention", got.Data.Host(), want, attentionTolerance)
		})
	}
}

// TestGroupedQueriesAreRepeatedKeys: sharing keys among query heads gives the bits of a copy of the keys for each.
func TestGroupedQueriesAreRepeatedKeys(t *testing.T) {
	p := newProblem(newSource(7), 6, 2, 8, 9, 12)
	repeat := func(x Tensor) Tensor {
		out := Of(x.Rows, 6*8, make([]float32, x.Rows*6*8))
		for i := range x.Rows {
			for h := range 6 {
				copy(out.Row(i)[h*8:], x.Row(i)[h/3*8:][:8])
			}
		}
		return out
	}
	r := newRun(t, nil)
	shared := r.Causal(decoder, p.q, 6, Keys(p.k, p.v, 2))
	own := r.Causal(decoder, p.q, 6, Keys(repeat(p.k), repeat(p.v), 6))
	if r.Err() != nil || !sameBits(shared.Data.Host(), own.Data.Host()) {
		t.Errorf("error %v; the bits differ", r.Err())
	}
}

// TestChunksAreTheWhole: however a sequence is cut into chunks of queries and pages of keys, each row has the same bits.
// Some values are so small that their products round to -0, whose sign must not tell the chunks either.
func TestChunksAreTheWhole(t *testing.T) {
	const n = 2*queryBlock + 9
	s := newSource(8)
	p := newProblem(s, 4, 2, 8, n, n)
	for i := range n {
		row := p.v.Row(i)
		row[0], row[8] = -math.SmallestNonzeroFloat32, float32(math.Copysign(math.SmallestNonzeroFloat32, s.NormFloat64()))
	}
	r := newRun(t, nil)
	whole := r.Causal(decoder, p.q, p.heads, p.cut(n))
	for _, sizes := range [][]int{{1, n - 1}, {n - 1, 1}, {64, 64, 9}, {63, 2, 72}, {3, 5, 7, 11, 13, 17, 19, 23, 29, 10}} {
		at := 0
		for i, size := range sizes {
			part := r.Causal(decoder, p.q.Slice(at, at+size), p.heads, p.cut(sizes[:i+1]...))
			if !sameBits(part.Data.Host(), whole.Slice(at, at+size).Data.Host()) {
				t.Errorf("chunks %v: chunk %d has other bits", sizes, i)
			}
			at += size
		}
	}
	for i := range n { // decoding: one row after the other
		if part := r.Causal(decoder, p.q.Slice(i, i+1), p.heads, p.cut(i+1)); !sameBits(part.Data.Host(), whole.Row(i)) {
			t.Errorf("row %d alone has other bits", i)
		}
	}
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestAttentionThreads(t *testing.T) {
	p := newProblem(newSource(9), 3, 1, 8, queryBlock+5, queryBlock+20)
	attend := func(threads int) (causal, within []float32) {
		r := NewRun(context.Background(), device(t, threads), new(Arena), nil)
		a := r.Causal(decoder, p.q, p.heads, p.cut(30, p.keys-30))
		b := r.AttentionVarlen(tower, p.q, p.heads, Keys(p.k, p.v, p.kvHeads), []Segment{{0, 40, 0}, {40, p.queries, 1}})
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		return a.Data.Host(), b.Data.Host()
	}
	causal, within := attend(1)
	for _, threads := range []int{2, 5} {
		if a, b := attend(threads); !sameBits(a, causal) || !sameBits(b, within) {
			t.Errorf("%d threads give other bits", threads)
		}
	}
}

// TestAttentionShapes: heads that do not divide, and keys of another width, fail the run and say where.
func TestAttentionShapes(t *testing.T) {
	for _, c := range []struct{ heads, kvHeads, keyCols int }{{4, 3, 12}, {4, 2, 12}, {4, 4, 8}} {
		s := newSource(10)
		r := newRun(t, nil)
		r.Causal(decoder, s.tensor(3, 16), c.heads, Keys(s.tensor(3, c.keyCols), s.tensor(3, c.keyCols), c.kvHeads))
		if r.Err() == nil || !strings.HasPrefix(r.Err().Error(), "layers.0.self_attn: 4 query heads of 4 columns cannot read") {
			t.Errorf("%+v: error is %v", c, r.Err())
		}
	}
}
