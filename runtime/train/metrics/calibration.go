package metrics

import (
	"fmt"
	"slices"
)

// maxBins is more bins than a plot can show.
const maxBins = 1000

// Bin is the pairs whose predicted score lies in [Low, High); in the last bin, in [Low, High].
type Bin struct {
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	Count     int     `json:"count"`
	Predicted float64 `json:"predicted"` // mean of the predicted scores
	Truth     float64 `json:"truth"`     // mean of the true scores; of a calibrated model the same
}

// Calibration divides the range of the predicted scores into bins (1 to 1000) of equal width, and returns those that hold
// pairs, in order. If all predicted scores are equal there is one bin of width 0.
func Calibration(p Pairs, bins int) ([]Bin, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if bins < 1 || bins > maxBins {
		return nil, fmt.Errorf("metrics: %d calibration bins: ask for 1 to %d", bins, maxBins)
	}
	low, high := slices.Min(p.Predicted), slices.Max(p.Predicted)
	// edge is where bin i begins; the last ends at high itself, whatever the rounding.
	edge := func(i int) float64 {
		if i == bins {
			return high
		}
		return low + (high-low)*(float64(i)/float64(bins))
	}
	held := map[int]*Bin{}
	var order []int
	for i, v := range p.Predicted {
		k := 0
		if high > low {
			k = min(int((v-low)/(high-low)*float64(bins)), bins-1)
			// Rounding of the quotient may miss the bin by one; the reported edges decide.
			for k > 0 && v < edge(k) {
				k--
			}
			for k < bins-1 && v >= edge(k+1) {
				k++
			}
		}
		b := held[k]
		if b == nil {
			b = &Bin{Low: edge(k), High: edge(k + 1)}
			held[k] = b
			order = append(order, k)
		}
		b.Count++
		b.Predicted += (v - b.Predicted) / float64(b.Count)
		b.Truth += (p.Truth[i] - b.Truth) / float64(b.Count)
	}
	slices.Sort(order)
	out := make([]Bin, len(order))
	for i, k := range order {
		out[i] = *held[k]
	}
	return out, nil
}
