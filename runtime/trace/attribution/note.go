package attribution

import (
	"fmt"
	"math"
	"slices"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// finite is an error if a value is not finite.
func (m *Map) finite() error {
	for _, p := range m.Panels {
		for i, v := range p.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("row %d, column %d of %s %d is %v: numbers on the way are too large, or too small to divide by; check the weights with `loupe inspect`", i/p.Cols, i%p.Cols, p.Kind, p.Index+1, v)
			}
		}
	}
	return nil
}

// noteOn says why the values of panels are all 0; "": no panel is all 0.
func noteOn(m *loupe.Model, p *loupe.Prompt, of *Map, o Options) string {
	var empty []int
	for i, panel := range of.Panels {
		if !slices.ContainsFunc(panel.Values, func(v float64) bool { return v != 0 }) {
			empty = append(empty, i)
		}
	}
	if len(empty) == 0 {
		return ""
	}
	which := "every value is 0"
	if len(empty) < len(of.Panels) {
		var names []string
		for _, i := range empty {
			names = append(names, panelWord(of.Panels[i]))
		}
		which = "every value of " + strings.Join(names, ", ") + " is 0"
	}
	if at, ok := readAt(m, p, of.Method, o); ok && beforePictures(p, empty, at) {
		return fmt.Sprintf("%s: position %d stands before it and cannot see what comes later", which, at)
	}
	return which + ": " + zeroReason(m, of.Method, o)
}

// panelWord is a panel in words.
func panelWord(p Panel) string {
	if p.Kind == "video" {
		return fmt.Sprintf("video %d frame %d", p.Index+1, p.Frame)
	}
	return fmt.Sprintf("%s %d", p.Kind, p.Index+1)
}

// readAt is the position of the prompt whose view of the pictures a map shows; ok is false if there is no single one.
func readAt(m *loupe.Model, p *loupe.Prompt, name Method, o Options) (at int, ok bool) {
	switch {
	case Explains(name) && o.Target.Score:
		if readsTower(m) || m.Head.Config.Pool != weights.PoolLast {
			return 0, false
		}
		return len(p.IDs) - 1, true
	case Explains(name):
		at, err := targetRow(p, *o.Target)
		return at, err == nil
	case o.Tower:
		return 0, false
	}
	at, err := o.query(p)
	return at, err == nil
}

// beforePictures reports whether a position stands before the tokens of all those panels.
func beforePictures(p *loupe.Prompt, panels []int, at int) bool {
	var first []int // the position of the first token of each panel
	for _, run := range passes(p) {
		next := 0
		for _, g := range run.Grids {
			for range g[0] {
				first = append(first, run.At[next])
				next += g[1] * g[2] * len(run.At) / run.Pixels.Rows
			}
		}
	}
	return !slices.ContainsFunc(panels, func(i int) bool { return at >= first[i] })
}

// zeroReason is why a map may be 0 everywhere.
func zeroReason(m *loupe.Model, name Method, o Options) string {
	last := o.Target != nil && o.Target.Score && m.Head != nil && m.Head.Config.Pool == weights.PoolLast
	switch {
	case last && name == Contribution:
		return "the score head reads the last row alone, which is none of these cells"
	case name == GradCAM:
		return "the weighed sum of the block's channels is negative or 0 at every patch, and its positive part is shown: what is there lowers the target, or does not move it; integrated and occlusion show what lowers it"
	case name == Relevance:
		return "attention times gradient is positive nowhere on the way from the target: what it looks at lowers it, or does not move it; integrated and occlusion show what lowers it"
	case name == Integrated || name == Occlusion:
		return "no change of these pixels moves the target: the picture may be the baseline already (one color), or the target does not see it; try another attribution.Options.Baseline"
	case name == Contribution:
		return "the score head's weights for this target are 0, or the rows that it reads are"
	}
	return "the attention that is followed gives nothing to it"
}
