package train

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// LoRAOptions say which low-rank branches a model learns.
type LoRAOptions struct {
	Rank    int
	Alpha   float64 // 0: twice the rank
	Dropout float64
	RSLoRA  bool
	// DoRA gives each branch magnitudes (weight-decomposed adaptation).
	DoRA bool `json:",omitempty"`
	// Targets are patterns of modules, "visual.blocks.*.attn.qkv" or "*.q_proj", in which * matches any characters. None: every
	// linear map of both towers but the patch embedding and the merger.
	Targets []string
	// Modules are patterns of modules that are trained in full and saved with the adapter (PEFT's modules_to_save), or of
	// what holds them: "visual.merger", "*layernorm", "lm_head", "embed_tokens".
	Modules []string `json:",omitempty"`
	// Freeze are patterns of modules, or of their weights, that get no branch. A branch that is there already is frozen.
	Freeze []string `json:",omitempty"`
	Seed   uint64
}

// defaultTargets are the ends of the names of modules that get a branch.
var defaultTargets = []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "qkv", "attn.proj", "fc1", "fc2"}

// LoRA returns the parameters of the model's branches, and of the modules and biases that its adapter saves in full, under
// PEFT's names. A model without branches (no Options.Adapter) is given new ones first: A is uniform in ±1/sqrt(inputs) and B is
// zero, so that the model starts as it is.
func LoRA(m *loupe.Model, o LoRAOptions) ([]*Param, error) {
	return newParamBuilder(m, o.Freeze).lora(m, o)
}

func (k *paramBuilder) lora(m *loupe.Model, o LoRAOptions) ([]*Param, error) {
	if m.Adapter == nil {
		if err := k.addBranches(m, o); err != nil {
			return nil, err
		}
	} else if o.DoRA && !m.Adapter.DoRA {
		return nil, &option.Error{Field: "train.LoRAOptions.DoRA", Value: true, Fault: "train.LoRAOptions.DoRA is for new branches, and those of Options.Adapter have no magnitudes", Want: "leave one of the two away"}
	}
	if m.Adapter.TieSavedWeights {
		return nil, errors.New("ensure_weight_tying of Options.Adapter keeps embed_tokens and lm_head one while they learn, and here they would learn apart: merge the adapter first")
	}
	if err := saveModules(m, o.Modules); err != nil {
		return nil, err
	}
	var out []*Param
	for _, l := range m.Learner().Adaptable() {
		if l.LoRA == nil || k.frozen.has(l.Name, l.Name+".weight") {
			continue
		}
		part := func(part string) (string, []int) {
			return weights.AdapterName(l.Name, part), m.Learner().PartShape(l, part, l.LoRA.A.Rows)
		}
		name, shape := part(weights.PartA)
		a := k.shaped(l.Name, name, &l.LoRA.A, shape)
		name, shape = part(weights.PartB)
		b := k.shaped(l.Name, name, &l.LoRA.B, shape)
		l.LoRA.AGrad, l.LoRA.BGrad = a.Grad, b.Grad
		out = append(out, a, b)
		if d := l.LoRA.DoRA; d != nil {
			name, shape = part(weights.PartMagnitude)
			p := k.vector(l.Name, name, &d.Magnitude)
			p.Shape, d.Grad = shape, p.Grad
			out = append(out, p)
		}
	}
	out = append(out, k.embedding(m)...)
	saved, err := k.saved(m)
	if err == nil {
		err = k.err
	}
	return append(out, saved...), err
}

// embedding returns the parameters of the embedding's branch, if there is one.
func (k *paramBuilder) embedding(m *loupe.Model) (out []*Param) {
	const module = "model.embed_tokens"
	l := m.Decoder.EmbedLoRA
	if l == nil || k.frozen.has(module, module+".weight") {
		return nil
	}
	a, b := k.widened(module, weights.AdapterName(module, weights.PartEmbedA), &l.A), k.widened(module, weights.AdapterName(module, weights.PartEmbedB), &l.B)
	l.AGrad, l.BGrad = a.Grad, b.Grad
	out = append(out, a, b)
	if l.DoRA != nil {
		p := k.vector(module, weights.AdapterName(module, weights.PartMagnitude), &l.DoRA.Magnitude)
		l.DoRA.Grad = p.Grad
		out = append(out, p)
	}
	return out
}

func (k *paramBuilder) addBranches(m *loupe.Model, o LoRAOptions) error {
	switch {
	case o.Rank < 1:
		return &option.Error{Field: "train.LoRAOptions.Rank", Value: o.Rank, Want: "give a number above 0"}
	case !(o.Dropout >= 0 && o.Dropout < 1):
		return &option.Error{Field: "train.LoRAOptions.Dropout", Value: o.Dropout, Want: "give a part from 0 up to but without 1"}
	}
	if o.Alpha == 0 {
		o.Alpha = 2 * float64(o.Rank)
	}
	cfg := &weights.AdapterConfig{Rank: o.Rank, Alpha: o.Alpha, Dropout: o.Dropout, RSLoRA: o.RSLoRA, DoRA: o.DoRA}
	hits := make([]int, len(o.Targets))
	for _, l := range m.Learner().Adaptable() {
		if !targeted(l.Name, o.Targets, hits) || k.frozen.has(l.Name, l.Name+".weight") {
			continue
		}
		if saves(o.Modules, l.Name) {
			if len(o.Targets) > 0 {
				return fmt.Errorf("train.LoRAOptions.Targets and train.LoRAOptions.Modules both name %s: it gets a branch, or it learns whole", l.Name)
			}
			continue
		}
		a, b := k.param(l.Name, "", o.Rank, l.W.Cols), k.param(l.Name, "", l.W.Rows, o.Rank)
		if k.err == nil && !k.plans {
			k.err = fill(a.Value, func(x []float32) { uniform(x, 1/math.Sqrt(float64(l.W.Cols)), o.Seed, l.Name) })
		}
		l.LoRA = &tensor.LoRA{A: a.matrix(), B: b.matrix(), Scale: float32(cfg.Scale()), Dropout: float32(o.Dropout)}
		if o.DoRA { // as long as the rows are, so that the model starts as it is
			if err := k.lengths(l); err != nil {
				return err
			}
		}
		cfg.TargetModules = append(cfg.TargetModules, weights.ModuleName(l.Name))
	}
	for i, n := range hits {
		if n == 0 {
			return fmt.Errorf("train.LoRAOptions.Targets %q matches no linear map of the model; `loupe inspect` lists their names, without .weight", o.Targets[i])
		}
	}
	if len(cfg.TargetModules) == 0 && len(o.Modules) > 0 {
		return &option.Error{Field: "train.LoRAOptions.Modules", Value: o.Modules, Fault: "train.LoRAOptions.Modules leaves no module for a branch, which PEFT's adapters must have", Want: "name fewer, or learn all by train.Options.Full"}
	}
	slices.Sort(cfg.TargetModules)
	m.Adapter = cfg
	return nil
}

// lengths gives a new branch the magnitudes that the rows of its linear map have.
func (k *paramBuilder) lengths(l *tensor.Linear) error {
	dev := k.device(l.Name)
	magnitude, err := dev.Alloc(l.W.Rows)
	if err != nil {
		return err
	}
	d := &tensor.DoRA{Magnitude: magnitude}
	l.LoRA.DoRA = d
	if err := l.Refresh(dev); err != nil {
		return err
	}
	dev.CopyRows(magnitude.Row(), nil, d.Lengths().Row(), nil)
	return l.Refresh(dev)
}

func targeted(name string, patterns []string, hits []int) bool {
	if len(patterns) == 0 {
		return slices.ContainsFunc(defaultTargets, func(end string) bool { return strings.HasSuffix(name, "."+end) })
	}
	any := false
	for i, p := range patterns {
		if matches(p, name) {
			hits[i]++
			any = true
		}
	}
	return any
}

// matches reports whether a name has the form of a pattern, in which * matches any characters.
func matches(pattern, name string) bool {
	ok, _ := regexp.MatchString("^"+strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")+"$", name)
	return ok
}

// uniform fills x with numbers from -bound to bound. They depend on the seed and the name alone, not on what else learns.
func uniform(x []float32, bound float64, seed uint64, name string) {
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	for i := range x {
		x[i] = float32((2*r.Float64() - 1) * bound)
	}
}
