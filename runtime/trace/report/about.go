package report

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
)

// About is the caption of a figure: the model, its precision and the question.
func About(m *loupe.Model, in loupe.Input) string {
	text := filepath.Base(m.Name()) + ", " + m.ComputedBy()
	if question := lastQuestion(in); question != "" {
		text += ": " + strconv.Quote(question)
	}
	return text
}

// lastQuestion is the text of the last message of the user.
func lastQuestion(in loupe.Input) string {
	for i := len(in.Messages) - 1; i >= 0; i-- {
		m := in.Messages[i]
		if m.Role != "user" {
			continue
		}
		text := m.Text
		for _, p := range m.Parts {
			text += p.Text
		}
		return strings.Join(strings.Fields(text), " ")
	}
	return ""
}

// Detail says which layers, heads and token a map shows, if the method uses any. If each head is drawn separately they
// stand at the figure's edges instead.
func Detail(m *loupe.Model, p *loupe.Prompt, method attribution.Method, o attribution.Options, each bool) string {
	var parts []string
	averages := method == attribution.Raw || method == attribution.Relative
	if averages && !each {
		tower := ""
		if o.Tower {
			tower = "vision "
		}
		parts = append(parts, tower+numbers("layer", o.Layers), numbers("head", o.Heads))
	}
	if method == attribution.GradCAM && len(o.Layers) > 0 {
		parts = append(parts, "vision "+numbers("layer", o.Layers))
	}
	switch {
	case !averages && method != attribution.Rollout:
	case o.Tower && len(o.Patches) == 1:
		parts = append(parts, fmt.Sprintf("from patch %d", o.Patches[0]))
	case o.Tower && len(o.Patches) > 1:
		parts = append(parts, fmt.Sprintf("from %d patches", len(o.Patches)))
	case o.Tower:
		parts = append(parts, "from all patches")
	default:
		at := len(p.IDs) - 1
		if o.Query != nil {
			at = (*o.Query%len(p.IDs) + len(p.IDs)) % len(p.IDs)
		}
		parts = append(parts, fmt.Sprintf("from token %d, %q", at, m.Tokenizer.DecodeLossy([]int{p.IDs[at]})))
	}
	return strings.Join(parts, ", ")
}

// numbers names some layers or heads; an empty list is all.
func numbers(what string, of []int) string {
	switch len(of) {
	case 0:
		return "all " + what + "s"
	case 1:
		return fmt.Sprintf("%s %d", what, of[0])
	}
	var list []string
	for _, n := range of {
		list = append(list, strconv.Itoa(n))
	}
	return "mean of " + what + "s " + strings.Join(list, ", ")
}
