package attribution

import "slices"

// agreement is the share of the queries whose largest probability is at the most common key, as a mean over heads. Of equal
// probabilities the first counts. heads nil is all.
func (a *attention) agreement(heads []int) float64 {
	if heads == nil {
		heads = upTo(a.heads)
	}
	queries, keys := a.q.Rows, a.k.Rows
	buf := make([]float32, min(queryBlock, queries)*keys)
	votes := make([]int, keys)
	for lo := 0; lo < queries; lo += queryBlock {
		hi := min(lo+queryBlock, queries)
		sum := make([]float64, (hi-lo)*keys)
		for _, h := range heads {
			p := a.probs(buf, h, lo, hi)
			for i := range hi - lo {
				addScaled(sum[i*keys:(i+1)*keys], p.Row(i), 1)
			}
		}
		for i := range hi - lo {
			row := sum[i*keys : (i+1)*keys]
			votes[slices.Index(row, slices.Max(row))]++
		}
	}
	return float64(slices.Max(votes)) / float64(queries)
}
