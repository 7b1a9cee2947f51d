package train

import (
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// AdamW is torch.optim.AdamW (Loshchilov and Hutter, arXiv 1711.05101): the moments of each parameter are float32, and
// weight decay is decoupled from the gradient. Norms and biases do not decay.
type AdamW struct {
	Beta1, Beta2, Eps float64
	Decay             float64
	Steps             int // taken

	first, second [][]float32 // moments of each parameter, in order
	own           []float32   // steps of each parameter: fewer than Steps where it was unused in some
}

// NewAdamW is AdamW for these parameters with PyTorch's default betas and epsilon.
func NewAdamW(params []*Param, decay float64) *AdamW {
	a := &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: decay}
	for _, p := range params {
		a.first = append(a.first, make([]float32, len(p.Value)))
		a.second = append(a.second, make([]float32, len(p.Value)))
	}
	a.own = make([]float32, len(params))
	return a
}

// Step updates every parameter that the step's loss depends on. Gradients are first multiplied by scale, which clips them;
// lr gives each parameter's learning rate.
func (a *AdamW) Step(e *kernels.Engine, params []*Param, lr func(p *Param) float64, scale float64) {
	a.Steps++
	for i, p := range params {
		if p.Unused {
			continue
		}
		a.own[i]++
		correct1 := 1 - math.Pow(a.Beta1, float64(a.own[i]))
		correct2 := math.Sqrt(1 - math.Pow(a.Beta2, float64(a.own[i])))
		rate := lr(p)
		keep := float32(1)
		if p.Decays() {
			keep = float32(1 - float64(rate*a.Decay))
		}
		s := step{
			keep: keep, scale: float32(scale), rate: float32(rate / correct1), root: float32(1 / correct2), eps: float32(a.Eps),
			beta1: float32(1 - a.Beta1), beta2: float32(a.Beta2), rest2: float32(1 - a.Beta2),
		}
		m, v := a.first[i], a.second[i]
		if p.Kept == nil {
			e.For(len(p.Value), 1<<13, func(lo, hi int) { s.apply(p.Value[lo:hi], p.Grad[lo:hi], m[lo:hi], v[lo:hi]) })
			continue
		}
		for row, width := 0, len(p.Value)/len(p.Kept); row < len(p.Kept); row++ {
			if lo, hi := row*width, (row+1)*width; !p.Kept[row] {
				s.apply(p.Value[lo:hi], p.Grad[lo:hi], m[lo:hi], v[lo:hi])
			}
		}
	}
}

// step holds the constants of one parameter's update.
type step struct{ keep, scale, rate, root, eps, beta1, beta2, rest2 float32 }

func (s step) apply(x, grad, m, v []float32) {
	for i, g := range grad {
		g = float32(g * s.scale) // rounded: arm64 would fuse it with what follows
		m[i] += float32((g - m[i]) * s.beta1)
		v[i] = float32(v[i]*s.beta2) + float32(float32(g*g)*s.rest2)
		down := float32(float32(math.Sqrt(float64(v[i])))*s.root) + s.eps
		x[i] = float32(x[i]*s.keep) - float32(s.rate*float32(m[i]/down))
	}
}

// Norm is the L2 norm of all gradients as one vector.
func Norm(params []*Param) float64 {
	sum := 0.0
	for _, p := range params {
		for _, g := range p.Grad {
			sum += float64(float64(g) * float64(g))
		}
	}
	return math.Sqrt(sum)
}

// Clip is the factor that brings gradients of this norm down to limit, as torch.nn.utils.clip_grad_norm_ computes it. A
// limit of 0 is none.
func Clip(norm, limit float64) float64 {
	if limit <= 0 || norm+1e-6 <= limit {
		return 1
	}
	return limit / (norm + 1e-6)
}
