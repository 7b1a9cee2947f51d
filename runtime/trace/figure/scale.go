package figure

import (
	"math"
	"slices"
)

// Scale is the numbers at the ends of a color map. A signed scale has 0 in the middle: Least is -Largest, the colors
// diverge there, and near 0 the picture below shows through.
type Scale struct {
	Least   float64 `json:"least"`
	Largest float64 `json:"largest"`
	Signed  bool    `json:"signed,omitempty"`
}

// ScaleOf is the least and the largest of values. Those that are missing, NaN, do not count.
func ScaleOf(values []float64) Scale {
	there := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(there) == 0 {
		return Scale{}
	}
	return Scale{Least: slices.Min(there), Largest: slices.Max(there)}
}

// SignedScaleOf is a signed scale that reaches to the largest magnitude of values.
func SignedScaleOf(values []float64) Scale {
	s := ScaleOf(values)
	far := max(-s.Least, s.Largest, 0)
	return Scale{-far, far, true}
}

// scaleFor is SignedScaleOf or ScaleOf.
func scaleFor(values []float64, signed bool) Scale {
	if signed {
		return SignedScaleOf(values)
	}
	return ScaleOf(values)
}

// Part is the position of a number on the scale, 0 to 1. On a scale of a single number it is 0, or the middle of a signed
// one.
func (s Scale) Part(v float64) float64 {
	switch {
	case s.Largest > s.Least:
		return (v - s.Least) / (s.Largest - s.Least)
	case s.Signed:
		return 0.5
	}
	return 0
}

// Cover is the opacity of the color at a part of the scale: 1, but on a signed scale less near the middle and 0 at 0.
func (s Scale) Cover(part float64) float64 {
	if !s.Signed {
		return 1
	}
	return min(1, 4*math.Abs(part-0.5))
}

// colors are those of the scale: chosen where it is not signed.
func (s Scale) colors(chosen *Colors) *Colors {
	if s.Signed {
		return Diverging
	}
	return chosen
}

// Ticks are round numbers on the scale, ends included where they are round: about as many as most, by steps of 1, 2 or 5 times a
// power of ten.
func (s Scale) Ticks(most int) []float64 {
	width := s.Largest - s.Least
	if !(width > 0) || math.IsInf(width, 0) || most < 1 {
		return nil
	}
	power := math.Floor(math.Log10(width / float64(most)))
	for _, digit := range []float64{1, 2, 5, 10} {
		step := digit * math.Pow(10, power)
		first, last := math.Ceil(s.Least/step-1e-9), math.Floor(s.Largest/step+1e-9)
		if n := int(last-first) + 1; n <= most || digit == 10 {
			var out []float64
			for i := range n {
				k := first + float64(i)
				// A step below 1 is divided by, so that 3 steps of 0.1 are 0.3.
				if power < 0 {
					out = append(out, k*digit/math.Pow(10, -power))
				} else {
					out = append(out, k*step)
				}
			}
			return out
		}
	}
	return nil
}
