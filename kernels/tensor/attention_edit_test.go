package tensor

import (
	"math"
	"strings"
	"testing"
)

// uniform is what a query gets that spreads its attention evenly over the keys [0, seen).
func uniform(v []float32, seen int) []float64 {
	sum := 0.0
	for _, x := range v[:seen] {
		sum += float64(x)
	}
	return []float64{sum / float64(seen)}
}

// TestAttentionEdits changes scores or probabilities of two heads of width 1 over three keys, and looks at what the queries
// get. The values are 1, 10, 100 for head 0 and 2, 20, 200 for head 1; the scores are all 0, so that a query spreads its
// attention evenly unless an edit says otherwise.
func TestAttentionEdits(t *testing.T) {
	ln := func(x float64) float32 { return float32(math.Log(x)) }
	inf := negInf
	even := [][]float64{{1, 2}, {5.5, 11}, {37, 74}}
	for _, c := range []struct {
		name  string
		point string
		e     Edit
		want  [][]float64 // (queries, heads)
	}{
		{"nothing", "probs", Edit{Op: Scale, Head: -1, Scale: 1}, even},
		{"zero probabilities", "probs", Edit{Op: Zero, Head: -1}, [][]float64{{0, 0}, {0, 0}, {0, 0}}},
		{"zero a head", "probs", Edit{Op: Zero, Head: 1}, [][]float64{{1, 0}, {5.5, 0}, {37, 0}}},
		{"zero a row", "probs", Edit{Op: Zero, Head: -1, Rows: []int{1}}, [][]float64{{1, 2}, {0, 0}, {37, 74}}},
		{"zero the last row of a head", "probs", Edit{Op: Zero, Head: 0, Rows: []int{-1}}, [][]float64{{1, 2}, {5.5, 11}, {0, 74}}},
		{"scale probabilities", "probs", Edit{Op: Scale, Head: 0, Scale: 2}, [][]float64{{2, 2}, {11, 11}, {74, 74}}},
		{"add to probabilities", "probs", Edit{Op: Add, Head: 0, Scale: 0.5, Value: []float32{2, 0, 2}}, [][]float64{{2, 2}, {6.5, 11}, {138, 74}}},
		{"set hides no mask", "probs", Edit{Op: Set, Head: -1, Value: []float32{1, 1, 1}}, [][]float64{{1, 2}, {11, 22}, {111, 222}}},
		{"set a row for each query", "probs", Edit{Op: Set, Head: -1, Value: []float32{1, 0, 0, 0, 1, 0, 0, 0, 1}}, [][]float64{{1, 2}, {10, 20}, {100, 200}}},
		{"set a row for each head and query", "probs", Edit{Op: Set, Head: -1, Value: []float32{1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0}}, [][]float64{{1, 0}, {10, 2}, {100, 20}}},
		{"set rows of a head", "probs", Edit{Op: Set, Head: 1, Rows: []int{0, 2}, Value: []float32{0.5, 0, 1}}, [][]float64{{1, 1}, {5.5, 11}, {37, 201}}},
		{"mean of probabilities", "probs", Edit{Op: Mean, Head: -1}, even},
		{"zero scores", "scores", Edit{Op: Zero, Head: -1}, even},
		{"add to scores", "scores", Edit{Op: Add, Head: 1, Scale: 1, Value: []float32{0, ln(3), ln(6)}}, [][]float64{{1, 2}, {5.5, (2 + 3*20) / 4.}, {37, (2 + 3*20 + 6*200) / 10.}}},
		{"cut keys off", "scores", Edit{Op: Set, Head: -1, Rows: []int{-1}, Value: []float32{inf, 0, inf}}, [][]float64{{1, 2}, {5.5, 11}, {10, 20}}},
		{"mean of scores", "scores", Edit{Op: Mean, Head: 0}, even},
	} {
		t.Run(c.name+" at "+c.point, func(t *testing.T) {
			q, k := Of(3, 2, make([]float32, 6)), Of(3, 2, make([]float32, 6))
			v := Of(3, 2, []float32{1, 2, 10, 20, 100, 200})
			w := &watcher{edits: map[string][]Edit{decoder.Sub(c.point).String(): {c.e}}}
			r := newRun(t, w)
			got := r.Causal(decoder, q, 2, Keys(k, v, 2))
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			var want []float64
			for _, row := range c.want {
				want = append(want, row...)
			}
			near(t, "attention", got.Data.Host(), want, attentionTolerance)
		})
	}
}

// TestMeanOfProbabilities: where the probabilities are not even, mean makes them so, over what the query sees only.
func TestMeanOfProbabilities(t *testing.T) {
	p := newProblem(newSource(30), 1, 1, 4, 5, 8)
	w := &watcher{edits: map[string][]Edit{"layers.0.self_attn.probs": {{Op: Mean, Head: -1}}}}
	r := newRun(t, w)
	got := r.Causal(decoder, p.q, 1, p.cut(3, 5))
	column := make([]float32, p.keys)
	for c := range 4 {
		for j := range column {
			column[j] = p.v.Row(j)[c]
		}
		for i := range p.queries {
			near(t, "attention", got.Row(i)[c:c+1], uniform(column, p.keys-p.queries+i+1), 1e-5)
		}
	}
}

// TestAttentionEditRowsOfALaterChunk: rows are those of the sequence, in a chunk that begins at FirstRow and in a block of
// queries that is not the first.
func TestAttentionEditRowsOfALaterChunk(t *testing.T) {
	const past, n = 10, queryBlock + 20
	p := newProblem(newSource(31), 2, 1, 4, n, past+n)
	attend := func(edits ...Edit) Tensor {
		r := newRun(t, &watcher{edits: map[string][]Edit{"layers.0.self_attn.probs": edits}})
		r.FirstRow, r.PromptRows = past, past+n
		out := r.Causal(decoder, p.q, p.heads, p.cut(past, n))
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		return out
	}
	plain, got := attend(), attend(Edit{Op: Zero, Head: 1, Rows: []int{3, past + 2, -1}})
	for i := range n {
		want := append([]float32{}, plain.Row(i)...)
		if i == 2 || i == n-1 {
			clear(want[4:])
		}
		if !sameBits(got.Row(i), want) {
			t.Errorf("row %d is %v, want %v", i, got.Row(i), want)
		}
	}
}

// TestAttentionEditErrors: an edit that does not fit fails the run and names the attention.
func TestAttentionEditErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		e    Edit
		want string
	}{
		{"head", Edit{Op: Zero, Head: 2}, "head 2, but there are 2 heads"},
		{"row", Edit{Op: Zero, Head: -1, Rows: []int{5}}, "row 5, but there are 5 rows"},
		{"negative row", Edit{Op: Zero, Head: 1, Rows: []int{-6}}, "row -6, but there are 5 rows"},
		{"value", Edit{Op: Set, Head: -1, Value: make([]float32, 6)}, "the value holds 6 numbers; 7, 35 or 70 fit"},
		{"no value", Edit{Op: Add, Head: 0}, "the value holds 0 numbers"},
	} {
		for _, point := range []string{"scores", "probs"} {
			t.Run(c.name+" at "+point, func(t *testing.T) {
				p := newProblem(newSource(32), 2, 2, 4, 5, 7)
				w := &watcher{edits: map[string][]Edit{decoder.Sub(point).String(): {c.e}}}
				r := newRun(t, w)
				r.Causal(decoder, p.q, 2, p.cut(7))
				if r.Err() == nil || !strings.Contains(r.Err().Error(), "layers.0.self_attn."+point) || !strings.Contains(r.Err().Error(), c.want) {
					t.Errorf("error is %v, want %q", r.Err(), c.want)
				}
			})
		}
	}
}
