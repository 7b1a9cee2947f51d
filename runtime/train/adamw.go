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

	first, second []kernels.Buffer // moments of each parameter, in order
	own           []float32        // steps of each parameter: fewer than Steps where it was unused in some
}

// NewAdamW is AdamW for these parameters with PyTorch's default betas and epsilon. The moments lie on the parameters' device; an
// error is that it has no memory left.
func NewAdamW(params []*Param, decay float64) (*AdamW, error) {
	a := &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: decay, own: make([]float32, len(params))}
	for _, p := range params {
		for _, of := range []*[]kernels.Buffer{&a.first, &a.second} {
			b, err := p.dev.Alloc(p.Value.Len())
			if err != nil {
				return nil, err
			}
			p.dev.Clear(b.Row())
			*of = append(*of, b)
		}
	}
	return a, nil
}

// Step updates every parameter that the step's loss depends on. Gradients are first multiplied by scale, which clips them;
// lr gives each parameter's learning rate.
func (a *AdamW) Step(params []*Param, lr func(p *Param) float64, scale float64) {
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
		s := kernels.AdamWStep{
			Keep: keep, Scale: float32(scale), Rate: float32(rate / correct1), Root: float32(1 / correct2), Eps: float32(a.Eps),
			Beta1: float32(1 - a.Beta1), Beta2: float32(a.Beta2), Rest2: float32(1 - a.Beta2),
		}
		m, v := a.first[i], a.second[i]
		if p.Kept == nil {
			p.dev.AdamW(p.Value, p.Grad, m, v, s)
			continue
		}
		for row, width := 0, p.Value.Len()/len(p.Kept); row < len(p.Kept); row++ {
			if lo, hi := row*width, (row+1)*width; !p.Kept[row] {
				p.dev.AdamW(p.Value.Slice(lo, hi), p.Grad.Slice(lo, hi), m.Slice(lo, hi), v.Slice(lo, hi), s)
			}
		}
	}
}

// Norm is the L2 norm of all gradients as one vector.
func Norm(params []*Param) (float64, error) {
	sum := 0.0
	for _, p := range params {
		grad, err := kernels.Floats(p.Grad)
		if err != nil {
			return 0, err
		}
		for _, g := range grad {
			sum += float64(float64(g) * float64(g))
		}
	}
	return math.Sqrt(sum), nil
}

// Clip is the factor that brings gradients of this norm down to limit, as torch.nn.utils.clip_grad_norm_ computes it. A
// limit of 0 is none.
func Clip(norm, limit float64) float64 {
	if limit <= 0 || norm+1e-6 <= limit {
		return 1
	}
	return limit / (norm + 1e-6)
}
