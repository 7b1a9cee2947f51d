package tokenizer

import "fmt"

// ExpandPads returns ids with the i-th padID repeated counts[i] times: a picture
// takes one position for each of its merged patches (t*h*w / merge²). It is an
// error if ids do not hold one padID for each count, as when a user's text
// spells the token out.
func ExpandPads(ids []int, padID int, counts []int) ([]int, error) {
	size, pads := len(ids), 0
	for _, id := range ids {
		if id == padID {
			pads++
		}
	}
	if pads != len(counts) {
		return nil, fmt.Errorf("the prompt has %d placeholder tokens with id %d for %d pictures; give one picture for each, and leave the token's text out of messages", pads, padID, len(counts))
	}
	for i, n := range counts {
		if n < 1 {
			return nil, fmt.Errorf("picture %d has %d patches; it needs at least one", i, n)
		}
		size += n - 1
	}
	out := make([]int, 0, size)
	for _, id := range ids {
		if id != padID {
			out = append(out, id)
			continue
		}
		for range counts[0] {
			out = append(out, id)
		}
		counts = counts[1:]
	}
	return out, nil
}
