package train

import (
	"strconv"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// reach says which losses a step has. The loss of critiques depends on the whole model but the score head; the loss of
// scores depends on the head and what it reads. A parameter that no loss depends on is not updated: no moment changes and
// no weight decays, as in PyTorch, where its gradient is None.
type reach struct{ words, scores bool }

// add adds the losses of an example.
func (c *reach) add(l loupe.Example, scoreWeight float64) {
	c.words = c.words || l.Labels != nil
	for _, ok := range l.Present {
		c.scores = c.scores || ok && scoreWeight > 0
	}
}

// of reports whether a loss depends on a parameter of the model m.
func (c reach) of(m *loupe.Model, p *Param) bool {
	if p.Part() == ScoreHead {
		return c.scores
	}
	return c.words || c.scores && headReads(m, p)
}

// headReads reports whether the input of the score head depends on a parameter.
func headReads(m *loupe.Model, p *Param) bool {
	name := p.Name
	if t, ok := weights.ParseAdapterName(name); ok {
		name = t.Module
	}
	input := m.Head.Config.Input
	block, ok := input.Block()
	switch {
	case !input.FromTower():
		return !strings.HasPrefix(name, "lm_head")
	case !ok:
		return strings.HasPrefix(name, "visual.")
	case strings.HasPrefix(name, "visual.blocks."):
		return blockOf(name) <= block
	}
	return strings.HasPrefix(name, "visual.patch_embed")
}

// blockOf is the number of the vision block that a name is of.
func blockOf(name string) int {
	text, _, _ := strings.Cut(strings.TrimPrefix(name, "visual.blocks."), ".")
	n, _ := strconv.Atoi(text)
	return n
}
