package weights

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tieEnds are the two ends of a tie.
var tieEnds = []string{"model.embed_tokens", "lm_head"}

// endsATie reports whether a name's last part is that of an end of a tie.
func endsATie(name string) bool {
	last := name[strings.LastIndex(name, ".")+1:]
	return last == "embed_tokens" || last == "lm_head"
}

// tiedTargets are both ends of the tie where the targets name one of them by its last name.
func (m *matcher) tiedTargets() ([]string, error) {
	if slices.ContainsFunc(m.c.TargetModules, endsATie) {
		return tieEnds, nil
	}
	for _, name := range []string{"embed_tokens", "lm_head"} {
		if m.target == nil {
			continue
		}
		if ok, err := m.target.matches(name); err != nil || ok {
			return tieEnds, err
		}
	}
	return nil, nil
}

// matcher says which modules are targets. Its expressions are compiled once.
type matcher struct {
	c                *AdapterConfig
	target, exclude  *pyPattern
	saved            []*pyPattern
	layers           []*pyPattern
	allLinear, among bool
}

func (c *AdapterConfig) matcher() (*matcher, error) {
	m := &matcher{c: c, allLinear: strings.ToLower(c.TargetPattern) == "all-linear", among: len(c.Layers) > 0}
	var err error
	compile := func(key string, make func() (*pyPattern, error)) (p *pyPattern) {
		if err != nil {
			return nil
		}
		if p, err = make(); err != nil {
			err = fmt.Errorf("%s has a %w", key, err)
		}
		return p
	}
	if c.TargetPattern != "" && !m.allLinear {
		m.target = compile("target_modules", func() (*pyPattern, error) { return pyFullMatch(c.TargetPattern) })
	}
	if c.ExcludePattern != "" {
		m.exclude = compile("exclude_modules", func() (*pyPattern, error) { return pyFullMatch(c.ExcludePattern) })
	}
	for _, name := range c.ModulesToSave {
		m.saved = append(m.saved, compile("modules_to_save", func() (*pyPattern, error) { return pyEmbedded(`(^|.*\.)`, name, `($|\..*)`) }))
	}
	for _, pattern := range c.LayersPattern {
		m.layers = append(m.layers, compile("layers_pattern", func() (*pyPattern, error) { return pyEmbedded(`(?:^|.*?\.)`, pattern, `\.(?<idx>\d+)\.`) }))
	}
	return m, err
}

// targets reports whether the module of that name has a branch.
func (m *matcher) targets(name string, module Module) (bool, error) {
	excluded := listed(m.c.ExcludeModules, name)
	for i, p := range append([]*pyPattern{m.exclude}, m.saved...) {
		if p == nil || excluded {
			continue
		}
		var err error
		if excluded, err = p.matches(name); err != nil {
			return false, fmt.Errorf("%s: %w", []string{"exclude_modules", "modules_to_save"}[min(i, 1)], err)
		}
	}
	switch {
	case excluded:
		return false, nil
	case m.allLinear:
		return module.Kind == LinearModule && module.Name != "lm_head", nil
	case m.target != nil:
		hit, err := m.target.matches(name)
		if err != nil {
			return false, fmt.Errorf("target_modules: %w", err)
		}
		return hit, nil
	case slices.Contains(m.c.TargetModules, name): // a whole name is not held against the layers
		return true, nil
	case !listed(m.c.TargetModules, name):
		return false, nil
	}
	return m.inLayers(name)
}

// listed reports whether a name, or what stands behind one of its dots, is in the list.
func listed(list []string, name string) bool {
	return slices.ContainsFunc(list, func(end string) bool { return name == end || strings.HasSuffix(name, "."+end) })
}

// anyLayer finds the number of a layer where layers_pattern does not say what stands before it.
var anyLayer = regexp.MustCompile(`^.*?\.[^.]*\.(\d+)\.`)

// inLayers reports whether a module is in one of layers_to_transform.
func (m *matcher) inLayers(name string) (bool, error) {
	if !m.among {
		return true, nil
	}
	number := ""
	if len(m.layers) == 0 {
		if found := anyLayer.FindStringSubmatch(name); found != nil {
			number = found[1]
		}
	}
	for _, p := range m.layers {
		found, err := p.re.FindStringMatch(name)
		if err != nil {
			return false, fmt.Errorf("layers_pattern: %w", err)
		}
		if found != nil {
			number = found.GroupByName("idx").String()
			break
		}
	}
	layer, err := strconv.Atoi(number)
	return err == nil && slices.Contains(m.c.Layers, layer), nil
}
