package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// scorePrinter prints lines of JSON or rows of a table as they come.
type scorePrinter struct {
	json    *json.Encoder
	targets []string
	name    int // characters of the column of names
}

func newScorePrinter(asJSON bool, m *loupe.Model, pictures []loupe.Picture) *scorePrinter {
	if asJSON {
		return &scorePrinter{json: json.NewEncoder(stdout)}
	}
	p := &scorePrinter{targets: m.Targets()}
	if i := slices.Index(p.targets, weights.ScoreName); i > 0 { // the score stands first
		p.targets = slices.Insert(slices.Delete(p.targets, i, i+1), 0, weights.ScoreName)
	}
	for _, pic := range pictures {
		p.name = max(p.name, utf8.RuneCountInString(disk.Visible(pic.Name)))
	}
	p.name = min(max(p.name, len("image")), widestName)
	p.row("image", p.targets)
	return p
}

// widestName is the greatest width of the column of names, so that one long name does not push all scores away.
const widestName = 60

// row prints a row of the table at once. The widths of columns come from all names and targets, since no row waits for the
// next.
func (p *scorePrinter) row(name string, cells []string) {
	line := fmt.Appendf(nil, "%-*s", p.name, disk.Visible(name))
	for i, c := range cells {
		wide := 0
		if i < len(cells)-1 { // nothing stands behind the last
			wide = max(len("100.0"), utf8.RuneCountInString(disk.Visible(p.targets[i])))
		}
		line = fmt.Appendf(line, "  %-*s", wide, disk.Visible(c))
	}
	_, _ = screen.Write(append(line, '\n')) // stdout keeps the error
}

// shown is a target's clamped value, and beside it the raw value if that is another.
func shown(value, raw float64) string {
	if value == raw {
		return figure.Fixed(value, 1)
	}
	return fmt.Sprintf("%s (raw %s)", figure.Fixed(value, 1), figure.Fixed(raw, 1))
}

func (p *scorePrinter) print(line scored) error {
	if p.json != nil {
		return p.json.Encode(line)
	}
	if line.Error != "" {
		p.row(line.Image, []string{"error: " + line.Error})
		return stdout.failed()
	}
	var cells []string
	for _, t := range p.targets {
		cells = append(cells, shown(line.Targets[t], line.Raw[t]))
	}
	p.row(line.Image, cells)
	if line.Critique != nil {
		fmt.Fprintf(screen, "\n%s\n\n", *line.Critique)
	}
	return stdout.failed()
}

// named is the value of the target named score. If the head has none it is nil, and a note says so.
func named(s *loupe.Score) *float64 {
	score := s.Named()
	if score == nil {
		fmt.Fprintln(stderr, "note: the score head has no target score, so that no score is printed; loupe score prints its targets by their names")
	}
	return score
}
