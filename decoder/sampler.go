package decoder

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
)

// Sampling chooses the next token. The zero value is greedy decoding.
type Sampling struct {
	Temperature       float64 // 0: greedy
	TopK              int     // 0: all
	TopP              float64 // 0 or 1: all
	RepetitionPenalty float64 // 0 or 1: none
	Seed              uint64
}

// Sampler draws tokens: the same seed and logits give the same tokens on every machine.
type Sampler struct {
	Sampling
	rng  *rand.Rand
	seen map[int]bool
	work []candidate
}

type candidate struct {
	id   int
	prob float32
}

// NewSampler begins a request whose prompt is ids: the repetition penalty counts them as seen.
func NewSampler(s Sampling, prompt []int) *Sampler {
	out := &Sampler{Sampling: s, rng: rand.New(rand.NewPCG(s.Seed, 0x6c6f757065)), seen: map[int]bool{}}
	for _, id := range prompt {
		out.seen[id] = true
	}
	return out
}

// Next chooses a token by the logits, (vocab_size), which it may change: penalty, temperature, top-k and top-p in the
// order of transformers' logits processors. logprob is the natural logarithm of the token's probability after the
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
	best := kernels.ArgMax(logits)
	id = best
	if s.Temperature > 0 {
		id = s.draw(logits, logits[best])
	}
	s.seen[id] = true
	return id, logProb(logits, logits[best], id)
}

// draw samples from softmax(logits/temperature) cut to the top k tokens and then to the smallest set of probability p.
func (s *Sampler) draw(logits []float32, top float32) int {
	s.work = s.work[:0]
	for id, l := range logits {
		s.work = append(s.work, candidate{id, kernels.Exp((l - top) / float32(s.Temperature))})
	}
	slices.SortFunc(s.work, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.prob, a.prob), cmp.Compare(a.id, b.id))
	})
	c := s.work
	if s.TopK > 0 && s.TopK < len(c) {
		c = c[:s.TopK]
	}
	if s.TopP > 0 && s.TopP < 1 {
		limit, sum := s.TopP*total(c), 0.0
		for i := range c {
			sum += float64(c[i].prob)
			if sum >= limit {
				c = c[:i+1]
				break
			}
		}
	}
	at := s.rng.Float64() * total(c)
	for i := range c {
		at -= float64(c[i].prob)
		if at < 0 {
			return c[i].id
		}
	}
	return c[len(c)-1].id
}

func total(c []candidate) float64 {
	sum := 0.0
	for i := range c {
		sum += float64(c[i].prob)
	}
	return sum
}

// logProb is logits[id] - logsumexp(logits), in float64.
func logProb(logits []float32, top float32, id int) float64 {
	sum := 0.0
	for _, l := range logits {
		sum += float64(kernels.Exp(l - top))
	}
	return float64(logits[id]-top) - kernels.Log(sum)
}
