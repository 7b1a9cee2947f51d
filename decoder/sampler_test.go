package decoder

import (
	"math"
	"slices"
	"testing"
)

func draws(s Sampling, logits []float32, n int) []int {
	out := make([]int, n)
	sampler := NewSampler(s, nil)
	for i := range out {
		out[i], _ = sampler.Next(slices.Clone(logits))
	}
	return out
}

func TestGreedyTakesTheFirstOfEquals(t *testing.T) {
	id, logprob := NewSampler(Sampling{}, nil).Next([]float32{0, 3, 3, 1})
	want := 3 - math.Log(1+2*math.Exp(3)+math.Exp(1))
	if id != 1 || math.Abs(logprob-want) > 1e-6 {
		t.Errorf("got token %d with %v, want 1 with %v", id, logprob, want)
	}
}

func TestSeedRepeats(t *testing.T) {
	logits := []float32{1, 1.5, 0.5, 1.2}
	s := Sampling{Temperature: 1, Seed: 7}
	if a, b := draws(s, logits, 50), draws(s, logits, 50); !slices.Equal(a, b) {
		t.Error("one seed draws two sequences")
	}
	// Pinned: the same seed must draw the same tokens in every version and on every machine.
	if got, want := draws(s, logits, 12), []int{0, 0, 3, 3, 1, 2, 3, 0, 2, 3, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("seed 7 draws %v, want %v", got, want)
	}
}

func TestCutsKeepOnlyTheLikeliest(t *testing.T) {
	logits := []float32{0, 2, 1, -1} // probabilities 0.087 0.644 0.237 0.032
	for _, c := range []struct {
		name string
		s    Sampling
		only []int
	}{
		{"top-k 1", Sampling{Temperature: 1, TopK: 1}, []int{1}},
		{"top-k 2", Sampling{Temperature: 1, TopK: 2}, []int{1, 2}},
		{"top-p 0.6", Sampling{Temperature: 1, TopP: new(0.6)}, []int{1}},
		{"top-p 0.7", Sampling{Temperature: 1, TopP: new(0.7)}, []int{1, 2}},
		{"top-p 0", Sampling{Temperature: 1, TopP: new(0.0)}, []int{1}},
		{"min-p 0.3", Sampling{Temperature: 1, MinP: 0.3}, []int{1, 2}},
		{"hot, top-k 1", Sampling{Temperature: 1e9, TopK: 1}, []int{1}},
		{"hotter than float32, top-k 1", Sampling{Temperature: 1e300, TopK: 1}, []int{1}},
		{"colder than float32", Sampling{Temperature: 1e-46}, []int{1}},
		{"cold enough to overflow", Sampling{Temperature: 1e-38, TopK: 3, TopP: new(0.9), MinP: 0.1}, []int{1}},
		{"cold", Sampling{Temperature: 0.01}, []int{1}},
	} {
		seen := map[int]bool{}
		for _, id := range draws(c.s, logits, 400) {
			seen[id] = true
		}
		for id := range logits {
			if seen[id] != slices.Contains(c.only, id) {
				t.Errorf("%s: token %d drawn: %v", c.name, id, seen[id])
			}
		}
	}
}

func TestRepetitionPenalty(t *testing.T) {
	// transformers: a seen token's logit is divided if positive and multiplied if negative.
	s := NewSampler(Sampling{RepetitionPenalty: 2}, []int{0, 2})
	logits := []float32{3, 1, -1}
	if id, _ := s.Next(logits); id != 0 || !slices.Equal(logits, []float32{1.5, 1, -2}) {
		t.Errorf("token %d from logits %v", id, logits)
	}
	s = NewSampler(Sampling{RepetitionPenalty: 4}, []int{0})
	if id, _ := s.Next([]float32{3, 1, -1}); id != 1 {
		t.Errorf("token %d, want 1", id)
	}
}
