package metrics

import (
	"encoding/json"
	"math"
)

// Estimate is one statistic with its 95 % bootstrap interval. What is not defined is NaN, and Reason says why. The interval
// need not contain the value: resamples of a biased statistic lie to one side of it.
type Estimate struct {
	Value, Low, High float64
	Reason           string // why Value, or else Low and High, is NaN; "" where all are numbers
	Undefined        int    // resamples that do not define the statistic and so are not in the interval
}

// estimateJSON is an Estimate as the contract writes it: null for what is not defined, since JSON has no NaN.
type estimateJSON struct {
	Value     *float64 `json:"value"`
	Low       *float64 `json:"low"`
	High      *float64 `json:"high"`
	Reason    string   `json:"reason,omitempty"`
	Undefined int      `json:"undefined_resamples,omitempty"`
}

// MarshalJSON writes {"value", "low", "high"}, with "reason" and "undefined_resamples" where they say something.
func (e Estimate) MarshalJSON() ([]byte, error) {
	number := func(x float64) *float64 {
		if math.IsNaN(x) {
			return nil
		}
		return &x
	}
	return json.Marshal(estimateJSON{number(e.Value), number(e.Low), number(e.High), e.Reason, e.Undefined})
}

// UnmarshalJSON reads what MarshalJSON writes; null and a missing number become NaN.
func (e *Estimate) UnmarshalJSON(text []byte) error {
	var j estimateJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	number := func(x *float64) float64 {
		if x == nil {
			return math.NaN()
		}
		return *x
	}
	*e = Estimate{number(j.Value), number(j.Low), number(j.High), j.Reason, j.Undefined}
	return nil
}
