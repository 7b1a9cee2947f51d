package train

import (
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/meta"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// Param is a parameter that learns: its values, which the model computes with, and their gradient, both row-major of Shape and in the
// memory of the device that computes with them.
type Param struct {
	Name        string // as the checkpoint, the adapter or the score head has it
	Shape       []int
	Value, Grad kernels.Buffer
	dev         kernels.Device
	// Unused says that no loss of the step depends on the parameter, so that it is not updated: PyTorch's gradient of None.
	Unused bool
	// Kept are rows of the first dimension that stay frozen; nil: none.
	Kept []bool
}

// Decays reports whether weight decay applies: it does to matrices, not to norms and biases.
func (p *Param) Decays() bool {
	return !strings.HasSuffix(p.Name, "bias") && !strings.Contains(p.Name, "norm") && !strings.Contains(p.Name, "ln_q")
}

// Part is a part of the model that has a learning rate of its own.
type Part string

// The parts: the vision tower, its merger into the decoder's width, the decoder with its embedding, and the score head.
const (
	Vision    Part = "vision"
	Merger    Part = "merger"
	Decoder   Part = "decoder"
	ScoreHead Part = "head"
)

// Parts are all of them.
var Parts = []Part{Vision, Merger, Decoder, ScoreHead}

// Part is the part of the model that the parameter belongs to, by its name.
func (p *Param) Part() Part { return partOf(p.Name) }

func partOf(name string) Part {
	if t, ok := weights.ParseAdapterName(name); ok {
		name = t.Module
	}
	switch {
	case strings.HasPrefix(name, scoreHead):
		return ScoreHead
	case strings.HasPrefix(name, "visual.merger"):
		return Merger
	case strings.HasPrefix(name, "visual."):
		return Vision
	}
	return Decoder
}

// ZeroGrad clears the gradients before a step.
func ZeroGrad(params []*Param) {
	for _, p := range params {
		p.dev.Clear(p.Grad.Row())
	}
}

// paramBuilder makes parameters. With plans set they have shapes only, on a device that has nothing else. That tells what would
// learn and how much memory it would take.
type paramBuilder struct {
	plans  bool
	of     func(name string) kernels.Device // that of a module of the model
	frozen *frozenSet                       // nil: nothing stands still
	err    error                            // the first: the device has no memory left
}

func newParamBuilder(m *loupe.Model, freeze []string) *paramBuilder {
	return &paramBuilder{of: m.Learner().DeviceOf, frozen: newFrozenSet(freeze)}
}

// device is that of a module of the model; of shapes only with plans.
func (k *paramBuilder) device(module string) kernels.Device {
	if k.plans {
		return meta.Device{}
	}
	return k.of(module)
}

// param is a parameter of a module with memory for its values and gradient.
func (k *paramBuilder) param(module, name string, shape ...int) *Param {
	p := &Param{Name: name, Shape: shape, dev: k.device(module)}
	for _, b := range []*kernels.Buffer{&p.Value, &p.Grad} {
		var err error
		if *b, err = p.dev.Alloc(product(shape)); err != nil {
			k.fail(err)
			return p
		}
		p.dev.Clear(b.Row())
	}
	return p
}

func (k *paramBuilder) fail(err error) {
	if k.err == nil {
		k.err = err
	}
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// matrix is the parameter as a kernel operand.
func (p *Param) matrix() kernels.Placed {
	cols := product(p.Shape[1:])
	return kernels.Array{Rows: p.Shape[0], Cols: cols, Stride: cols, Buffer: p.Value}.Weight()
}

// widened turns a matrix of a module into a float32 parameter, which replaces it in the model.
func (k *paramBuilder) widened(module, name string, m *kernels.Placed) *Param {
	return k.shaped(module, name, m, []int{m.Rows, m.Cols})
}

// shaped is widened for a matrix that has another shape in the file: a convolution has five dimensions.
func (k *paramBuilder) shaped(module, name string, m *kernels.Placed, shape []int) *Param {
	p := k.param(module, name, shape...)
	if k.plans || k.err != nil {
		return p
	}
	rows := p.matrix().Learned
	rows.Rows, rows.Cols, rows.Stride = m.Rows, m.Cols, m.Cols
	if b := m.Learned.Buffer; !b.None() {
		p.dev.CopyRows(rows, nil, m.Learned, nil)
	} else {
		row := make([]float32, m.Cols)
		for r := range m.Rows {
			m.Row(row, r)
			if err := p.dev.Upload(rows.Window(r, 0, 1, m.Cols), row); err != nil {
				k.fail(err)
			}
		}
	}
	*m = p.matrix()
	return p
}

// vector turns a bias or the weight of a norm into a parameter, which replaces it in the model.
func (k *paramBuilder) vector(module, name string, v *kernels.Buffer) *Param {
	p := k.param(module, name, v.Len())
	if k.plans || k.err != nil {
		return p
	}
	p.dev.CopyRows(p.Value.Row(), nil, v.Row(), nil)
	*v = p.Value
	return p
}

// matchesAny reports whether a name matches one of the patterns, in which * stands for any characters.
func matchesAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

func (k *paramBuilder) full(m *loupe.Model) ([]*Param, error) {
	var out []*Param
	add := func(p *Param) *Param {
		out = append(out, p)
		return p
	}
	linear := func(l *tensor.Linear) {
		if name := l.Name + ".weight"; !k.frozen.has(name) {
			l.WGrad = add(k.widened(l.Name, name, &l.W)).Grad
		}
		if name := l.Name + ".bias"; !l.Bias.None() && !k.frozen.has(name) {
			l.BiasGrad = add(k.vector(l.Name, name, &l.Bias)).Grad
		}
	}
	for _, l := range m.Learner().Linears() {
		linear(l)
	}
	for _, n := range m.Learner().Norms() {
		if name := n.Name + ".weight"; !k.frozen.has(name) {
			n.WeightGrad = add(k.vector(n.Name, name, &n.Weight)).Grad
		}
		if name := n.Name + ".bias"; !n.Bias.None() && !k.frozen.has(name) {
			n.BiasGrad = add(k.vector(n.Name, name, &n.Bias)).Grad
		}
	}
	if name := "model.embed_tokens.weight"; !k.frozen.has(name) {
		p := add(k.widened(name, name, &m.Decoder.Embed))
		m.Decoder.EmbedGrad = p.Grad
		if m.Config.Text.TieWordEmbeddings {
			m.Decoder.LMHead.W, m.Decoder.LMHead.WGrad = m.Decoder.Embed, p.Grad
		}
	}
	if !m.Config.Text.TieWordEmbeddings {
		linear(m.Decoder.LMHead)
	}
	return out, k.err
}

// Head returns the parameters of the score head, without those that match a pattern in freeze that begins with
// "score_head": a pattern for whole towers, "*", does not freeze the head.
func Head(m *loupe.Model, freeze []string) ([]*Param, error) {
	return newParamBuilder(m, freeze).head(m)
}

func (k *paramBuilder) head(m *loupe.Model) ([]*Param, error) {
	if m.Head == nil {
		return nil, nil
	}
	var out []*Param
	for _, l := range m.Head.Layers {
		if name := l.Name + ".weight"; !k.frozen.has(name) {
			p := k.widened(l.Name, name, &l.W)
			l.WGrad = p.Grad
			out = append(out, p)
		}
		if name := l.Name + ".bias"; !k.frozen.has(name) {
			p := k.vector(l.Name, name, &l.Bias)
			l.BiasGrad = p.Grad
			out = append(out, p)
		}
	}
	return out, k.err
}

// scoreHead begins the names of the score head's tensors.
const scoreHead = "score_head"
