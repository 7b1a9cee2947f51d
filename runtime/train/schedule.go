package train

import (
	"math"

	"github.com/loupe-vl/loupe/weights/option"
)

// Schedule is the learning-rate schedule: it rises linearly for Warmup steps, then falls to 0 at Steps as Kind says, or
// stays constant.
type Schedule struct {
	Kind   string // "cosine", "linear" or "constant"
	Warmup int
	Steps  int
}

// Validate refuses what cannot be meant, by an [option.Error].
func (s Schedule) Validate() error {
	switch {
	case s.Kind != "cosine" && s.Kind != "linear" && s.Kind != "constant":
		return &option.Error{Field: "train.Schedule.Kind", Value: s.Kind, Want: "give cosine, linear or constant"}
	case s.Warmup < 0:
		return &option.Error{Field: "train.Schedule.Warmup", Value: s.Warmup, Want: "give 0 or a number of steps"}
	}
	return nil
}

// At is the factor of the learning rate in a step, counted from 0.
func (s Schedule) At(step int) float64 {
	if step < s.Warmup {
		return float64(step+1) / float64(s.Warmup)
	}
	part := float64(step-s.Warmup+1) / float64(s.Steps-s.Warmup+1)
	switch s.Kind {
	case "cosine":
		return 0.5 * (1 + math.Cos(math.Pi*part))
	case "linear":
		return 1 - part
	}
	return 1
}
