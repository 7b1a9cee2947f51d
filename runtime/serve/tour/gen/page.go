package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"unicode/utf8"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/serve/tour"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
)

//go:embed anatomy.md.tmpl
var pageText string

// page fills in the template.
func page(m *loupe.Model, steps []tour.Step, drawn []drawing) ([]byte, error) {
	t, err := template.New("anatomy.md").Funcs(template.FuncMap{
		"next": func(i int) int { return i + 1 },
		"cell": cell, "shape": shape, "numbers": numbers, "bars": bars, "sources": sources, "papers": papers, "trace": traceCommand,
		"anchor": func(i int, title string) string {
			return fmt.Sprintf("%d-%s", i+1, strings.ReplaceAll(strings.ToLower(title), " ", "-"))
		},
		"drawn": func(step string) (of []drawing) {
			for _, d := range drawn {
				if d.Step == step {
					of = append(of, d)
				}
			}
			return of
		},
	}).Parse(pageText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{"Steps": steps, "Vision": m.Config.Vision, "Decoder": m.Config.Text, "Folder": folder})
	return b.Bytes(), err
}

// cell is text as it stands in a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`, "_", `\_`, "`", "\\`").Replace(text)
}

func shape(of []int) string {
	var out []string
	for _, n := range of {
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, " x ")
}

// numbers are those of an excerpt, and dots where the row goes on.
func numbers(e tour.Excerpt) string {
	var out []string
	for _, v := range e.Numbers {
		out = append(out, figure.Number(float64(v)))
	}
	if len(e.Numbers) < e.Shape[len(e.Shape)-1] {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

// bars draws bars of text.
func bars(f *tour.Figure) string {
	const width = 48
	label, largest := 0, 0.0
	for i, l := range f.Labels {
		label, largest = max(label, utf8.RuneCountInString(l)), max(largest, f.Values[i])
	}
	var b strings.Builder
	for i, v := range f.Values {
		bar := 0
		if largest > 0 {
			bar = int(v/largest*width + 0.5)
		}
		line := fmt.Sprintf("%-*s  %s %s", label, f.Labels[i], strings.Repeat("█", bar), figure.Number(v))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// sources are links to what a step's Source names.
func sources(of string) string {
	var out []string
	for _, s := range strings.Split(of, ", ") {
		file, function, _ := strings.Cut(s, " ")
		out = append(out, fmt.Sprintf("`%s` in [%s](../%s)", function, file, file))
	}
	return strings.Join(out, ", ")
}

func papers(of []tour.Paper) string {
	var out []string
	for _, p := range of {
		out = append(out, fmt.Sprintf("[%s](%s)", p.Title, p.URL))
	}
	return strings.Join(out, "; ")
}

// traceCommand is the command that writes a step's tensors.
func traceCommand(of []tour.Excerpt) string {
	command := ask("trace")
	for _, e := range of {
		command += " --tap " + e.Name
	}
	return command + " --out step.npz"
}
