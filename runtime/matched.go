package loupe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
)

// Matched is what a pattern of a trace matches, before anything is computed.
type Matched struct {
	Pattern      string
	Intervention bool     // it says where a change is made; else what is looked at
	Points       int      // tap points of the prompt and of all steps; a point that several passes come by counts once for each
	Names        []string // of the first ones, as many as are worth telling
	// Images and Videos tell which passes of the vision tower have a point, in a prompt that has both.
	Images, Videos bool
	step           int // the first step that has a point, 0 for the prompt
}

// toldNames is how many points of a pattern are named.
const toldNames = 4

// String is a line for people: `"model.layers.?.out" matches 2 points: model.layers.0.out, model.layers.1.out`.
func (m Matched) String() string {
	points := "1 point"
	if m.Points != 1 {
		points = fmt.Sprintf("%d points", m.Points)
	}
	text := fmt.Sprintf("%q matches %s: %s", m.Pattern, points, strings.Join(m.Names, ", "))
	if more := m.Points - len(m.Names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	switch {
	case m.Images && m.Videos:
		text += "; of both passes of the vision tower, over images and over videos (a name that ends in @images or @videos is of one)"
	case m.Images:
		text += "; of the vision tower's pass over images alone"
	case m.Videos:
		text += "; of the vision tower's pass over videos alone"
	}
	return text
}

// Matches tells what each pattern of a trace matches, those of its taps before those of its interventions, and computes
// nothing. What a trace would refuse is an error here too.
func (o TraceOptions) Matches(ctx context.Context, m *Model, p *Prompt) ([]Matched, error) {
	return m.checkTrace(ctx, p, o)
}

// matching finds what the patterns of hooks match.
type matching struct {
	hooks   *hooks
	all     []*pattern   // of the taps, then of the interventions
	prompt  int          // tokens
	steps   int          // tokens after it
	picture map[int]bool // places of the prompt that pictures take
	out     []Matched
	rows    []rowsFound // of each intervention
}

// rowsFound is what the points of an intervention say of the rows that it names.
type rowsFound struct {
	passed []bool // for each of its rows: whether any point has it
	lost   []bool // whether a point has it, but something else takes its place there
	least  int    // the first and the last row that a point has
	most   int
	err    error
}

func newMatching(p *hooks, prompt, steps int, picture map[int]bool) *matching {
	m := &matching{hooks: p, all: slices.Concat(p.taps, p.edits), prompt: prompt, steps: steps, picture: picture}
	for _, t := range p.taps {
		m.out = append(m.out, Matched{Pattern: t.glob})
	}
	for i, e := range p.edits {
		m.out = append(m.out, Matched{Pattern: e.glob, Intervention: true})
		n := len(p.made[i].Rows)
		m.rows = append(m.rows, rowsFound{passed: make([]bool, n), lost: make([]bool, n), least: -1})
	}
	return m
}

// readable is an error where a pattern cannot be read.
func (m *matching) readable() error {
	for _, t := range m.all {
		if t.err != nil {
			return t.err
		}
	}
	return nil
}

// add counts a point of the prompt, or of a step from 1 on, and reports whether it is tapped.
func (m *matching) add(at tensor.Point, name string, shape []int, step int) (tapped bool) {
	for i, t := range m.all {
		if !t.matches(name, at) {
			continue
		}
		of := &m.out[i]
		if of.Points == 0 {
			of.step = step
		}
		if m.hooks.bothPasses && strings.HasPrefix(at.Module, "visual") {
			of.Images, of.Videos = of.Images || at.Pass == imagesSuffix, of.Videos || at.Pass == videosSuffix
		}
		if of.Points++; len(of.Names) < toldNames {
			of.Names = append(of.Names, name)
		}
		if edit := i - len(m.hooks.taps); edit < 0 {
			tapped = true
		} else if m.rows[edit].err == nil {
			m.rows[edit].err = m.addRows(edit, at, shape, step)
		}
	}
	return tapped
}

// addRows holds the rows that an intervention names against those that pass at a point. It reads them as tensor.Edit does.
func (m *matching) addRows(edit int, at tensor.Point, shape []int, step int) error {
	iv, found := m.hooks.made[edit], &m.rows[edit]
	if iv.Means != nil && iv.Means[at.String()] == nil {
		return fmt.Errorf("intervention at %q: %s has no mean over %s, whose pictures do not come by there; name taps that they pass too", iv.Tap, at, iv.Dataset)
	}
	rows := shape[len(shape)-2] // of (heads, queries, keys) the queries
	first, all, more := 0, rows, 0
	inDecoder := strings.HasPrefix(at.Module, "model.") || at.Module == "model" || strings.HasPrefix(at.Module, "lm_head")
	if inDecoder {
		all, more = m.prompt, m.steps
		if step > 0 {
			first = m.prompt + step - 1
		}
	}
	if found.least < 0 || first < found.least {
		found.least = first
	}
	found.most = max(found.most, first+rows-1)
	seen := map[int]int{}
	for n, want := range iv.Rows {
		row := want
		if row < 0 {
			row += all
		}
		if row < 0 || row >= all+more {
			return fmt.Errorf("intervention at %q: there is no row %d at %s: it has %d rows%s; name rows from 0, or from -1 at the end of the prompt", iv.Tap, want, m.hooks.prefix+at.String(), all, moreRows(more))
		}
		if other, twice := seen[row]; twice {
			return fmt.Errorf("intervention at %q: rows %d and %d are the same row of %s; name it once", iv.Tap, other, want, m.hooks.prefix+at.String())
		}
		seen[row] = want
		switch {
		case row < first || row >= first+rows:
		case at.String() == "model.embed_tokens" && m.picture[row]:
			found.lost[n] = true
		default:
			found.passed[n] = true
		}
	}
	return nil
}

func moreRows(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" of the prompt and %d of the steps", n)
}

// check is an error that names a pattern which no tap point of the request has, and the nearest of names, or an intervention
// of which some row never passes.
func (m *matching) check(names []string) error {
	for _, of := range m.out {
		what := "tap"
		if of.Intervention {
			what = "intervention at"
		}
		if of.Points == 0 && strings.HasPrefix(of.Pattern, "steps.") {
			return fmt.Errorf("%s %q matches no tap point: it is of generated tokens, of which there are to be %d; give as many TraceOptions.Steps, and a name that Model.Taps lists", what, of.Pattern, m.steps)
		}
		if of.Points == 0 {
			return fmt.Errorf("%s %q matches no tap point of this model and input%s; Model.Taps lists them", what, of.Pattern, didYouMean(of.Pattern, names))
		}
	}
	for i, found := range m.rows {
		if found.err != nil {
			return found.err
		}
		iv := m.hooks.made[i]
		for n, want := range iv.Rows {
			switch {
			case found.passed[n]:
			case found.lost[n]:
				return fmt.Errorf("intervention at %q: row %d is a place of a picture, which takes the vision tower's row whatever is embedded there; change visual.merger, or model.layers.0.input_layernorm or later", iv.Tap, want)
			default:
				there := fmt.Sprintf("rows %d to %d", found.least, found.most)
				if found.least == found.most {
					there = fmt.Sprintf("row %d alone", found.least)
				}
				return fmt.Errorf("intervention at %q: row %d never passes there: what matches has %s of the sequence, whose prompt has %d; leave the row out, or name another tap", iv.Tap, want, there, m.prompt)
			}
		}
	}
	return nil
}

// reached is an error where all that a pattern matches lies in steps that did not come: tokens is how many were generated,
// the last of which was not read.
func reached(matched []Matched, tokens int) error {
	for _, of := range matched {
		if of.step >= max(tokens, 1) {
			return fmt.Errorf("%q is met first in step %d, and the answer ended after %d tokens, the last of which is not read; take fewer steps, or another prompt", of.Pattern, of.step, tokens)
		}
	}
	return nil
}

// picturePlaces are the positions of the prompt that pictures take.
func (p *Prompt) picturePlaces() map[int]bool {
	out := map[int]bool{}
	for _, v := range []*Vision{p.Images, p.Videos} {
		if v != nil {
			for _, at := range v.At {
				out[at] = true
			}
		}
	}
	return out
}
