package vit

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Head is the score (regression) head: it pools the rows of a tap point to one, maps them through its layers and gives a
// standardized value for each target.
type Head struct {
	Config weights.ScoreHeadConfig
	Layers []*tensor.Linear // GELU between them
	Device int              // its number: see tensor.Run.To
}

// LoadHead reads score_head.weight and score_head.bias, or with hidden layers score_head.0.weight and so on, from p. width
// is the width of the tap that the head reads.
func LoadHead(p *weights.Params, cfg weights.ScoreHeadConfig, width int) *Head {
	return newHead(p, cfg, width, func(name string, out, in int) *tensor.Linear { return p.LinearOf(name, true, out, in) })
}

// NewHead is a head whose weights are all 0, placed by p.
func NewHead(p *weights.Params, cfg weights.ScoreHeadConfig, width int) *Head {
	return newHead(p, cfg, width, p.NewLinear)
}

func newHead(p *weights.Params, cfg weights.ScoreHeadConfig, width int, linear func(name string, out, in int) *tensor.Linear) *Head {
	h := &Head{Config: cfg, Device: p.Devices().Index("score_head")}
	if len(cfg.Hidden) == 0 {
		h.Layers = []*tensor.Linear{linear("score_head", len(cfg.Targets), width)}
		return h
	}
	for i, out := range append(append([]int(nil), cfg.Hidden...), len(cfg.Targets)) {
		h.Layers = append(h.Layers, linear(fmt.Sprintf("score_head.%d", i), out, width))
		width = out
	}
	return h
}

// Forward maps the rows of the head's input, (rows, width), to the standardized targets, (1, targets).
func (h *Head) Forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	x = r.To(h.Device, x)
	y := h.Through(r, r.Tap(tensor.At("score_head", "pooled"), h.Pool(r, x)), len(h.Layers))
	out := tensor.At("score_head", "")
	r.Finite(out, y)
	return r.Tap(out, y)
}

// Pool makes one row, (1, width), of the rows of the head's input: their mean, or the last.
func (h *Head) Pool(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	if h.Config.Pool == weights.PoolLast {
		return x.Slice(x.Rows-1, x.Rows)
	}
	return r.MeanRows(x)
}

// Through maps pooled rows, (pictures, width), through the first n layers: to what the next layer is given, or through all to
// the standardized targets, (pictures, targets).
func (h *Head) Through(r *tensor.Run, pooled tensor.Tensor, n int) tensor.Tensor {
	y := r.To(h.Device, pooled)
	for i, l := range h.Layers[:n] {
		y = r.Linear(y, l)
		if i+1 < len(h.Layers) {
			y = r.GELU(y)
		}
	}
	return y
}

// Value is target i in the units of its scores: output*std + mean, as it is and clamped to the target's range.
func (h *Head) Value(i int, output float32) (raw, clamped float64) {
	t := h.Config.Targets[i]
	raw = float64(float64(output)*t.Std) + t.Mean // rounded in between: no machine may fuse the two
	return raw, min(max(raw, t.Min), t.Max)
}
