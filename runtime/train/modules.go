package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// saves reports whether one of the patterns matches a module with weights, a module above it, or its last name.
func saves(patterns []string, module string) bool {
	for name := module; ; {
		if matchesAny(name, patterns) || name == module && matchesAny(module[strings.LastIndex(module, ".")+1:], patterns) {
			return true
		}
		i := strings.LastIndex(name, ".")
		if i < 0 {
			return false
		}
		name = name[:i]
	}
}

// saveModules adds the modules that the patterns match to those that the adapter saves in full (PEFT's modules_to_save).
func saveModules(m *loupe.Model, patterns []string) error {
	for _, p := range patterns {
		hit := false
		for _, module := range m.Config.Modules() {
			if module.Kind == weights.OtherModule || !saves([]string{p}, module.Name) {
				continue
			}
			hit = true
			if name := weights.ModuleName(module.Name); !slices.Contains(m.Adapter.ModulesToSave, name) {
				m.Adapter.ModulesToSave = append(m.Adapter.ModulesToSave, name)
			}
		}
		if !hit {
			return fmt.Errorf("train.LoRAOptions.Modules %q matches no module of the model; visual.merger, *layernorm, model.norm, lm_head and embed_tokens are some", p)
		}
	}
	for _, l := range m.Learner().Adaptable() {
		if l.LoRA != nil && slices.Contains(m.Adapter.ModulesToSave, weights.ModuleName(l.Name)) {
			return fmt.Errorf("train.LoRAOptions.Modules names %s, which has a branch by Options.Adapter: merge the adapter first, or leave the module to its branch", l.Name)
		}
	}
	if m.Decoder.EmbedLoRA != nil && slices.Contains(m.Adapter.ModulesToSave, weights.ModuleName("model.embed_tokens")) {
		return fmt.Errorf("train.LoRAOptions.Modules names model.embed_tokens, which has a branch by Options.Adapter: merge the adapter first, or leave it to its branch")
	}
	return nil
}

// savedPart is a weight or a bias that the adapter saves whole, where the model has it.
type savedPart struct {
	module, part string
	matrix       *kernels.Placed // or
	vector       *kernels.Buffer
	grad         *kernels.Buffer
	linear       bool
}

// savedParts lists the weights and biases that the adapter saves whole, in the order of the model.
func savedParts(m *loupe.Model) []savedPart {
	saved := func(module string) bool {
		return slices.Contains(m.Adapter.ModulesToSave, weights.ModuleName(module))
	}
	var out []savedPart
	add := func(p savedPart, chosen bool) {
		if chosen && (p.vector == nil || !p.vector.None()) {
			out = append(out, p)
		}
	}
	linear := func(l *tensor.Linear) {
		add(savedPart{l.Name, weights.PartWeight, &l.W, nil, &l.WGrad, true}, saved(l.Name))
		add(savedPart{l.Name, weights.PartBias, nil, &l.Bias, &l.BiasGrad, false},
			saved(l.Name) || m.Adapter.Bias == "all" || m.Adapter.Bias == "lora_only" && l.LoRA != nil)
	}
	for _, l := range m.Learner().Linears() {
		linear(l)
	}
	for _, n := range m.Learner().Norms() {
		add(savedPart{n.Name, weights.PartWeight, nil, &n.Weight, &n.WeightGrad, false}, saved(n.Name))
		add(savedPart{n.Name, weights.PartBias, nil, &n.Bias, &n.BiasGrad, false}, saved(n.Name) || m.Adapter.Bias == "all")
	}
	add(savedPart{"model.embed_tokens", weights.PartWeight, &m.Decoder.Embed, nil, &m.Decoder.EmbedGrad, false}, saved("model.embed_tokens"))
	linear(m.Decoder.LMHead)
	return out
}

// saved returns the parameters that the adapter saves in full. The embed_tokens and lm_head of a tied model are then
// trained apart, as in PEFT.
func (k *paramBuilder) saved(m *loupe.Model) ([]*Param, error) {
	var out []*Param
	for _, s := range savedParts(m) {
		if k.frozen.has(s.module, s.module+"."+s.part) {
			continue
		}
		if p := m.Settings().Precision; s.linear && p != "exact" && s.module != "visual.patch_embed.proj" {
			return nil, fmt.Errorf("%s is to learn whole, in float32, and Options.Precision %s rounds what it computes; leave that away, or the module out of train.LoRAOptions.Modules", s.module, p)
		}
		name := s.name(m)
		var p *Param
		if s.matrix != nil {
			p = k.widened(s.module, name, s.matrix)
		} else {
			p = k.vector(s.module, name, s.vector)
		}
		*s.grad = p.Grad
		out = append(out, p)
	}
	return out, nil
}

// name is PEFT's name of the part: below a branch it is a base_layer.
func (s savedPart) name(m *loupe.Model) string {
	if s.part == weights.PartBias && slices.Contains(m.Adapter.TargetModules, weights.ModuleName(s.module)) {
		return weights.BesideBranch(s.module, s.part)
	}
	return weights.AdapterName(s.module, s.part)
}

// named is the part as a tensor to write, in the shape of the checkpoint.
func (s savedPart) named(m *loupe.Model) weights.Named {
	if s.vector != nil {
		return fromBuffer(s.name(m), []int{s.vector.Len()}, *s.vector)
	}
	shape := []int{s.matrix.Rows, s.matrix.Cols}
	if t, err := m.Stored().Checkpoint().Tensor(s.module + ".weight"); err == nil {
		shape = t.Shape
	}
	return fromWeight(s.name(m), shape, *s.matrix)
}
