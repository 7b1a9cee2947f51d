package tensor

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAttentionTaps holds what hooks see to the naive scores and probabilities: -Inf and 0 where a query does not see a
// key, rows of probabilities that sum to 1, and the heads that were returned.
func TestAttentionTaps(t *testing.T) {
	p := newProblem(newSource(20), 4, 2, 8, queryBlock+7, queryBlock+27)
	w := &watcher{}
	r := newRun(t, w)
	out := r.Causal(decoder, p.q, p.heads, p.cut(20, 50, p.keys-70))
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	if diff := cmp.Diff([]string{"layers.0.self_attn.scores", "layers.0.self_attn.probs", "layers.0.self_attn.heads"}, w.asked); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	scores, probs, heads := w.saw["layers.0.self_attn.scores"], w.saw["layers.0.self_attn.probs"], w.saw["layers.0.self_attn.heads"]
	for name, shape := range map[string][]int{"scores": scores.shape, "probs": probs.shape} {
		if !slices.Equal(shape, []int{p.heads, p.queries, p.keys}) {
			t.Errorf("%s have shape %v", name, shape)
		}
	}
	if !slices.Equal(heads.shape, []int{p.queries, p.heads * p.dim}) || !sameBits(heads.data, out.Data.Host()) {
		t.Errorf("heads, of shape %v, are not the result", heads.shape)
	}
	_, wantScores, wantProbs := p.naive(p.causal)
	near(t, "probs", probs.data, wantProbs, attentionTolerance)
	for i, want := range wantScores {
		if math.IsInf(want, -1) != (scores.data[i] == negInf) {
			t.Fatalf("score %d is %v, want %v", i, scores.data[i], want)
		}
		if math.IsInf(want, -1) { // near compares numbers
			wantScores[i], scores.data[i] = 0, 0
		}
	}
	near(t, "scores", scores.data, wantScores, attentionTolerance)
	for row := range p.heads * p.queries {
		sum, seen := 0.0, p.keys-p.queries+row%p.queries+1
		for j, v := range probs.data[row*p.keys:][:p.keys] {
			sum += float64(v)
			if v < 0 || (v != 0) != (j < seen) {
				t.Fatalf("row %d: the probability of key %d is %v, and %d are seen", row, j, v, seen)
			}
		}
		if math.Abs(sum-1) > 1e-6 {
			t.Errorf("the probabilities of row %d sum to %v", row, sum)
		}
	}
}

// TestSegmentTaps: each segment has taps of its own, of its own size and with its own number at the end of the name.
func TestSegmentTaps(t *testing.T) {
	p := newProblem(newSource(21), 2, 2, 4, 9, 9)
	w := &watcher{}
	r := newRun(t, w)
	r.AttentionVarlen(tower, p.q, p.heads, Keys(p.k, p.v, p.kvHeads), []Segment{{0, 6, 3}, {6, 9, 4}})
	want := []string{"blocks.0.attn.scores.3", "blocks.0.attn.probs.3", "blocks.0.attn.scores.4", "blocks.0.attn.probs.4", "blocks.0.attn.heads"}
	if diff := cmp.Diff(want, w.asked); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	for name, n := range map[string]int{"blocks.0.attn.probs.3": 6, "blocks.0.attn.scores.4": 3} {
		if got := w.saw[name]; !slices.Equal(got.shape, []int{2, n, n}) || len(got.data) != 2*n*n {
			t.Errorf("%s has shape %v", name, got.shape)
		}
	}
	_, _, probs := p.naive(func(query int) (lo, hi int) {
		if query < 6 {
			return 0, 6
		}
		return 6, 9
	})
	var second []float64 // the probabilities of segment 4 alone
	for row := range 2 * 9 {
		if row%9 >= 6 {
			second = append(second, probs[row*9+6:row*9+9]...)
		}
	}
	near(t, "probs of the second segment", w.saw["blocks.0.attn.probs.4"].data, second, attentionTolerance)
}

// TestWatchingChangesNoBit is law 2 for attention, whatever part of it is watched and however many threads compute.
func TestWatchingChangesNoBit(t *testing.T) {
	p := newProblem(newSource(22), 4, 2, 8, queryBlock+7, queryBlock+7)
	alone := newRun(t, nil)
	want := alone.Causal(decoder, p.q, p.heads, p.cut(p.keys))
	for watch, seen := range map[string]int{"nothing": 0, "scores": 1, "probs": 1, "heads": 1, "all": 3} {
		for _, threads := range []int{1, 2} {
			w := &watcher{want: func(name string) bool { return watch == "all" || name == decoder.Sub(watch).String() }}
			r := NewRun(context.Background(), device(t, threads), new(Arena), w)
			if got := r.Causal(decoder, p.q, p.heads, p.cut(p.keys)); !sameBits(got.Data.Host(), want.Data.Host()) {
				t.Errorf("watching %s with %d threads gives other bits", watch, threads)
			}
			if len(w.saw) != seen {
				t.Errorf("watching %s shows %d tensors, want %d", watch, len(w.saw), seen)
			}
		}
	}
}
