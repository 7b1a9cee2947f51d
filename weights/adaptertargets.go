package weights

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// AdapterBranch is a branch beside a module.
type AdapterBranch struct {
	Rank         int
	Alpha, Scale float64
}

// AdapterSelection is what an adapter's configuration makes of a model, by canonical names.
type AdapterSelection struct {
	Naming   Naming
	Branches map[string]AdapterBranch
	Saved    []string // modules with weights that are saved whole, in the model's order
	Biases   []string // modules whose bias is saved, in the model's order
	// Tied are the two ends of a tie where ensure_weight_tying keeps them one while they learn; none: they are not adapted, or
	// learn apart. The file holds both.
	Tied []string
	// Unmatched are patterns of rank_pattern and alpha_pattern that match no module with a branch, which PEFT passes over with a
	// warning, each behind its key.
	Unmatched []string
}

// Select finds the modules that the configuration names, as PEFT does (peft/tuners/tuners_utils.py, check_target_module_exists;
// peft/utils/other.py, get_pattern_key and _set_trainable), in a model whose modules have that naming. A module that PEFT could
// not adapt is an error. tied says that lm_head is embed_tokens.
func (c *AdapterConfig) Select(modules []Module, n Naming, tied bool) (*AdapterSelection, error) {
	s := &AdapterSelection{Naming: n, Branches: map[string]AdapterBranch{}}
	m, err := c.matcher()
	if err != nil {
		return nil, err
	}
	if err := s.saved(c, modules, tied); err != nil {
		return nil, err
	}
	if tied && c.TieSavedWeights && len(s.Tied) == 0 {
		if s.Tied, err = m.tiedTargets(); err != nil {
			return nil, err
		}
	}
	for _, module := range modules {
		name := n.Of(module.Name)
		hit, err := m.targets(name, module)
		if err != nil {
			return nil, err
		}
		if !hit && (!slices.Contains(s.Tied, module.Name) || slices.Contains(s.Saved, module.Name)) {
			continue
		}
		if module.Kind == OtherModule || module.Kind == NormModule {
			return nil, fmt.Errorf("target_modules names %s, which is no linear map, convolution or embedding: PEFT cannot adapt it; name what it holds", name)
		}
		if slices.Contains(s.Saved, module.Name) {
			return nil, fmt.Errorf("%s has a branch by target_modules and is saved whole by modules_to_save; loupe takes one of the two", name)
		}
		rank, err := patternOf(c.RankPattern, name, float64(c.Rank))
		if err != nil {
			return nil, fmt.Errorf("rank_pattern: %w", err)
		}
		alpha, err := patternOf(c.AlphaPattern, name, c.Alpha)
		if err != nil {
			return nil, fmt.Errorf("alpha_pattern: %w", err)
		}
		s.Branches[module.Name] = AdapterBranch{int(rank), alpha, c.scale(int(rank), alpha)}
	}
	if len(s.Branches) == 0 {
		return nil, fmt.Errorf("target_modules, with exclude_modules, modules_to_save and layers_to_transform, names no module of this model; is it an adapter of another model?")
	}
	if err := s.unmatched(c, n); err != nil {
		return nil, err
	}
	for _, module := range modules {
		_, branch := s.Branches[module.Name]
		if module.Bias && !slices.Contains(s.Saved, module.Name) && (c.Bias == "all" || c.Bias == "lora_only" && branch) {
			s.Biases = append(s.Biases, module.Name)
		}
	}
	return s, nil
}

// unmatched lists the patterns that match no module with a branch.
func (s *AdapterSelection) unmatched(c *AdapterConfig, n Naming) error {
	for _, of := range []struct {
		key      string
		patterns []ModulePattern
	}{{"rank_pattern", c.RankPattern}, {"alpha_pattern", c.AlphaPattern}} {
		for _, p := range of.patterns {
			hit := false
			for module := range s.Branches {
				ok, err := p.re.matches(n.Of(module))
				if err != nil {
					return fmt.Errorf("%s: %w", of.key, err)
				}
				hit = hit || ok
			}
			if !hit {
				s.Unmatched = append(s.Unmatched, of.key+" "+strconv.Quote(p.Pattern))
			}
		}
	}
	return nil
}

// saved finds what modules_to_save names: modules whose name ends so, and all that they hold.
func (s *AdapterSelection) saved(c *AdapterConfig, modules []Module, tied bool) error {
	ends := c.ModulesToSave
	if tied && c.TieSavedWeights && slices.ContainsFunc(ends, endsATie) {
		s.Tied = tieEnds
		ends = append(slices.Clone(ends), s.Naming.Of("model.embed_tokens"), s.Naming.Of("lm_head"))
	}
	var whole []string // names of what is saved with all that it holds
	for _, module := range modules {
		name := s.Naming.Of(module.Name)
		if !slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(name, end) }) {
			if slices.ContainsFunc(whole, func(w string) bool { return strings.HasPrefix(name, w+".") }) && module.Kind != OtherModule {
				s.Saved = append(s.Saved, module.Name)
			}
			continue
		}
		for _, w := range whole {
			if strings.HasPrefix(name, w+".") {
				return fmt.Errorf("modules_to_save names %s and %s, one within the other; name the outer one alone", w, name)
			}
		}
		whole = append(whole, name)
		if module.Kind != OtherModule {
			s.Saved = append(s.Saved, module.Name)
		}
	}
	if s.Naming == Later && slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix("model", end) }) {
		return fmt.Errorf("modules_to_save names the whole model; give the trained model to loupe.Load")
	}
	return nil
}

// Missing is the name of the first tensor that the selection asks for and has does not know; "" where there is none.
func (s *AdapterSelection) Missing(modules []Module, dora bool, has func(module, part string) bool) string {
	for _, module := range modules {
		var parts []string
		_, branch := s.Branches[module.Name]
		switch {
		case branch && module.Kind == EmbeddingModule:
			parts = []string{PartEmbedA, PartEmbedB}
		case branch:
			parts = []string{PartA, PartB}
		case slices.Contains(s.Saved, module.Name):
			parts = []string{PartWeight}
			if module.Bias {
				parts = append(parts, PartBias)
			}
		}
		if branch && dora {
			parts = append(parts, PartMagnitude)
		}
		for _, part := range parts {
			if !has(module.Name, part) {
				return s.Naming.AdapterName(module.Name, part)
			}
		}
		if slices.Contains(s.Biases, module.Name) && !has(module.Name, PartBias) {
			if branch {
				return s.Naming.besideBranch(module.Name, PartBias)
			}
			return s.Naming.AdapterName(module.Name, PartBias)
		}
	}
	return ""
}

// Resolved is a configuration that says the same of a model as c does, with the full names of transformers 4.52 and later in place
// of patterns: what is written after an adapter of any naming was read.
func (c *AdapterConfig) Resolved(s *AdapterSelection) *AdapterConfig {
	out := &AdapterConfig{Rank: c.Rank, Alpha: c.Alpha, Dropout: c.Dropout, RSLoRA: c.RSLoRA, DoRA: c.DoRA, Bias: c.Bias, TieSavedWeights: len(s.Tied) > 0}
	for _, module := range sortedKeys(s.Branches) {
		b, name := s.Branches[module], ModuleName(module)
		out.TargetModules = append(out.TargetModules, name)
		for _, of := range []struct {
			patterns         *[]ModulePattern
			value, otherwise float64
		}{{&out.RankPattern, float64(b.Rank), float64(c.Rank)}, {&out.AlphaPattern, b.Alpha, c.Alpha}} {
			if of.value != of.otherwise {
				p, _ := newModulePattern(regexp.QuoteMeta(name), of.value) // a name without its dots' meaning is an expression
				*of.patterns = append(*of.patterns, p)
			}
		}
	}
	slices.Sort(out.TargetModules)
	for _, module := range s.Saved {
		out.ModulesToSave = append(out.ModulesToSave, ModuleName(module))
	}
	return out
}

// Takes reports whether a part of a module belongs to what is selected. The weights of embed_tokens and lm_head always do: PEFT
// writes them beside a branch of an embedding, and after tokens were added, and puts them in place of the base's.
func (s *AdapterSelection) Takes(module Module, part string, dora bool) bool {
	_, branch := s.Branches[module.Name]
	switch part {
	case PartA, PartB:
		return branch && module.Kind != EmbeddingModule
	case PartEmbedA, PartEmbedB:
		return branch && module.Kind == EmbeddingModule
	case PartMagnitude:
		return branch && dora
	case PartBias:
		return slices.Contains(s.Biases, module.Name) || module.Bias && slices.Contains(s.Saved, module.Name)
	case PartOriginal + PartWeight, PartOriginal + PartBias:
		return slices.Contains(s.Saved, module.Name)
	}
	return slices.Contains(s.Saved, module.Name) || module.Kind == EmbeddingModule || module.Name == "lm_head"
}
