package decoder

import (
	"math/rand/v2"

	"github.com/loupe-vl/loupe/kernels/num"
)

// Sampling chooses the next token. The zero value is greedy decoding.
type Sampling struct {
	Temperature       float64  // 0: greedy
	TopK              int      // 0: all
	TopP              *float64 // nil or 1: all; 0 keeps one token
	MinP              float64  // 0: all
	RepetitionPenalty float64  // 0 or 1: none
	Seed              uint64
}

// Sampler draws tokens: the same seed and logits give the same tokens on every machine.
type Sampler struct {
	Sampling
	rng  *rand.Rand
	seen map[int]bool
	work []candidate
}

// NewSampler begins a request whose prompt is ids. The repetition penalty counts them all as seen, the placeholders of
// pictures too, as transformers does.
func NewSampler(s Sampling, prompt []int) *Sampler {
	out := &Sampler{Sampling: s, rng: rand.New(rand.NewPCG(s.Seed, 0x6c6f757065)), seen: map[int]bool{}}
	for _, id := range prompt {
		out.seen[id] = true
	}
	return out
}

// Next chooses a token by the logits, (vocab_size), which it may change: penalty, temperature, top-k, top-p and min-p in
// the order of transformers' logits processors. logprob is the natural logarithm of the token's probability after the
// penalty and before the others.
func (s *Sampler) Next(logits []float32) (id int, logprob float64) {
	if p := float32(s.RepetitionPenalty); p != 0 && p != 1 {
		for id := range s.seen {
			if id < len(logits) {
				if logits[id] < 0 {
					logits[id] *= p
				} else {
					logits[id] /= p
				}
			}
		}
	}
	best := num.ArgMax(logits)
	id = best
	if s.Temperature > 0 {
		id = s.draw(s.candidates(logits, logits[best]))
	}
	s.seen[id] = true
	return id, logProb(logits, logits[best], id)
}

// draw takes one of the candidates by their weights.
func (s *Sampler) draw(c []candidate) int {
	at := s.rng.Float64() * total(c)
	for i := range c {
		at -= float64(c[i].weight)
		if at < 0 {
			return c[i].id
		}
	}
	return c[len(c)-1].id
}

// logProb is logits[id] - logsumexp(logits), in float64.
func logProb(logits []float32, top float32, id int) float64 {
	sum := 0.0
	for _, l := range logits {
		sum += float64(num.Exp(l - top))
	}
	return float64(logits[id]-top) - num.Log(sum)
}
