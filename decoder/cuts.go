package decoder

import (
	"cmp"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels/num"
)

// candidate is a token that may be drawn.
type candidate struct {
	id     int
	score  float32 // what the cuts compare: the logit over the temperature
	logit  float32
	weight float32 // its probability, but for one factor that all candidates share
}

// candidates are the tokens that the cuts leave, the likeliest first and equal ones by id, for logits whose largest is
// top. The cuts are transformers' TopKLogitsWarper, TopPLogitsWarper and MinPLogitsWarper, one after the other.
func (s *Sampler) candidates(logits []float32, top float32) []candidate {
	t := float32(s.Temperature)
	s.work = s.work[:0]
	for id, l := range logits {
		c := candidate{id: id, score: l, logit: l, weight: num.Exp((l - top) / t)}
		switch {
		case tooCold(t, top):
			if l != top {
				continue
			}
			c.weight = 1
		case t < maxDivisor:
			c.score = l / t
		}
		s.work = append(s.work, c)
	}
	slices.SortFunc(s.work, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.logit, a.logit), a.id-b.id)
	})
	c := topK(s.work, s.TopK)
	if s.TopP != nil {
		c = topP(c, *s.TopP)
	}
	return minP(c, s.MinP)
}

// maxDivisor is a temperature from which on quotients of float32 lose their digits: the logits themselves are compared then.
const maxDivisor = 1e30

// tooCold reports whether the temperature is so near to 0 that float32 cannot divide by it. Only the largest logits have a
// chance then.
func tooCold(t, top float32) bool {
	const smallestNormal = 0x1p-126
	return t < smallestNormal || math.IsInf(float64(top/t), 0)
}

// topK keeps the k best scores, and those that are equal to the last of them.
func topK(c []candidate, k int) []candidate {
	if k <= 0 || k >= len(c) {
		return c
	}
	last := c[k-1].score
	for k < len(c) && c[k].score == last {
		k++
	}
	return c[:k]
}

// topP removes the least likely tokens whose probabilities add up to at most 1-p, and keeps one. Of equal ones those of
// larger id go first; transformers leaves that to torch.sort, which is not stable.
func topP(c []candidate, p float64) []candidate {
	if p >= 1 {
		return c
	}
	limit, all, sum := float32(1-p), float32(total(c)), 0.0
	for len(c) > 1 {
		if sum += float64(c[len(c)-1].weight / all); float32(sum) > limit {
			break
		}
		c = c[:len(c)-1]
	}
	return c
}

// minP keeps the tokens that are at least p times as likely as the likeliest.
func minP(c []candidate, p float64) []candidate {
	if p <= 0 {
		return c
	}
	all := float32(total(c))
	most := float32(0)
	for i := range c {
		most = max(most, c[i].weight/all)
	}
	limit := float32(p) * most
	return slices.DeleteFunc(c, func(x candidate) bool { return x.weight/all < limit })
}

func total(c []candidate) float64 {
	sum := 0.0
	for i := range c {
		sum += float64(c[i].weight)
	}
	return sum
}
