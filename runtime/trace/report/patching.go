package report

import (
	"fmt"
	"slices"
	"strconv"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// PatchingKinds are the kinds of files that SavePatching writes.
var PatchingKinds = []string{".png", ".json", ".csv", ".npz", ".safetensors"}

// Patched is the result of a sweep of activation patching, as --json prints it.
type Patched struct {
	Tap     string   `json:"tap"`
	Sweep   string   `json:"sweep"` // "positions" or "heads"
	Layers  []int    `json:"layers"`
	Columns []int    `json:"columns"` // positions of the prompt, or heads
	Labels  []string `json:"labels"`  // of the columns: the clean prompt's tokens, or places in its pictures
	// Unmatched is how many positions of the clean prompt have no counterpart in the corrupted one, and are not patched.
	Unmatched int `json:"unmatched,omitempty"`

	Clean Answered `json:"clean"`
	// Corrupted is the run that is patched.
	Corrupted  Answered    `json:"corrupted"`
	Difference [][]float64 `json:"difference"` // of the two answers' logits after each patch, (layers, columns)
	Restored   [][]float64 `json:"restored"`   // 0 is the corrupted run's difference, 1 the clean one's
}

// Answered is one of the two runs without a patch.
type Answered struct {
	Token      int     `json:"token"`
	Text       string  `json:"text"`
	Difference float64 `json:"difference"`
}

// NewPatched adds tokens and labels to the result of a sweep. clean is the clean prompt.
func NewPatched(m *loupe.Model, clean *loupe.Prompt, found *loupe.Patching, heads bool) *Patched {
	answered := func(r loupe.PatchedRun) Answered {
		return Answered{r.Answer, m.Tokenizer.DecodeLossy([]int{r.Answer}), r.Difference}
	}
	p := &Patched{Tap: found.Tap, Sweep: "positions", Layers: found.Layers, Columns: found.Columns, Unmatched: found.Unmatched, Clean: answered(found.Clean),
		Corrupted: answered(found.Corrupted), Difference: found.Difference, Restored: found.Restored}
	if heads {
		p.Sweep = "heads"
		for _, h := range p.Columns {
			p.Labels = append(p.Labels, "head "+strconv.Itoa(h))
		}
		return p
	}
	places := placesOf(clean, m.Config.Vision.SpatialMergeSize)
	for _, at := range p.Columns {
		label, inPicture := places[at]
		if !inPicture {
			label = strconv.Quote(m.Tokenizer.DecodeLossy([]int{clean.IDs[at]}))
		}
		p.Labels = append(p.Labels, label)
	}
	return p
}

// placesOf names, for each position of the prompt that a picture takes, the place in it: row and column of the merged grid.
func placesOf(p *loupe.Prompt, merge int) map[int]string {
	out := map[int]string{}
	name := func(kind string, v *loupe.Vision) {
		if v == nil {
			return
		}
		next := 0
		for i, g := range v.Grids {
			for _, at := range vit.PatchOrder(vit.Grid{g[0], g[1] / merge, g[2] / merge}, 1) {
				place := fmt.Sprintf("%s %d", kind, i+1)
				if g[0] > 1 {
					place += fmt.Sprintf(" frame %d", at.Frame)
				}
				out[v.At[next]] = fmt.Sprintf("%s row %d column %d", place, at.Row, at.Col)
				next++
			}
		}
	}
	name("image", p.Images)
	name("video", p.Videos)
	return out
}

// site is one cell of a sweep.
type site struct{ layer, column int }

// best are the n sites that restore the most, in order, without sites that restore nothing.
func (p *Patched) best(n int) []site {
	var all []site
	for i, row := range p.Restored {
		for j, v := range row {
			if v > 0 {
				all = append(all, site{i, j})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b site) int {
		switch x, y := p.Restored[a.layer][a.column], p.Restored[b.layer][b.column]; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return all[:min(n, len(all))]
}

// Lines are a table for people: the n sites that restore the most.
func (p *Patched) Lines(n int) [][]string {
	lines := [][]string{{"restored", "difference", "layer", p.Sweep[:len(p.Sweep)-1], "what"}}
	for _, s := range p.best(n) {
		lines = append(lines, []string{figure.Fixed(p.Restored[s.layer][s.column], 3), figure.Number(p.Difference[s.layer][s.column]),
			strconv.Itoa(p.Layers[s.layer]), strconv.Itoa(p.Columns[s.column]), p.Labels[s.column]})
	}
	return lines
}

// SavePatching writes what a sweep found to a file of the kind that its name asks for: the heat map as a picture, all of it as
// JSON, a line for each site, or tensors. The file appears whole or not at all.
func SavePatching(path string, p *Patched, clean, corrupted *loupe.Prompt, style figure.Style) error {
	ext, err := Kind(path, PatchingKinds...)
	if err != nil {
		return err
	}
	switch ext {
	case ".png":
		return SavePNG(path, figure.Heat(p.table(), style))
	case ".json":
		return SaveJSON(path, p)
	case ".csv":
		lines := [][]string{{"layer", p.Sweep[:len(p.Sweep)-1], "what", "difference", "restored"}}
		for i, row := range p.Restored {
			for j, v := range row {
				lines = append(lines, []string{strconv.Itoa(p.Layers[i]), strconv.Itoa(p.Columns[j]), p.Labels[j],
					strconv.FormatFloat(p.Difference[i][j], 'g', -1, 64), strconv.FormatFloat(v, 'g', -1, 64)})
			}
		}
		return SaveCSV(path, lines)
	}
	shape := []int{len(p.Layers), len(p.Columns)}
	ids := func(name string, x []int) weights.Named {
		out := make([]int64, len(x))
		for i, v := range x {
			out[i] = int64(v)
		}
		return weights.FromI64(name, []int{len(x)}, out)
	}
	return saveTensors(path, []weights.Named{
		fromF64("restored", shape, slices.Concat(p.Restored...)), fromF64("difference", shape, slices.Concat(p.Difference...)),
		ids("layers", p.Layers), ids(p.Sweep, p.Columns), ids("answers", []int{p.Clean.Token, p.Corrupted.Token}),
		ids("input_ids.clean", clean.IDs), ids("input_ids.corrupted", corrupted.IDs),
	})
}

// table is the heat map, the last layer first.
func (p *Patched) table() figure.Table {
	t := figure.Table{
		Title: fmt.Sprintf("patching %s: how much of %q (against %q) comes back", p.Tap, p.Clean.Text, p.Corrupted.Text),
		Note:  "0: the corrupted run's difference of logits, 1: the clean run's",
	}
	for j, c := range p.Columns {
		label := strconv.Itoa(c)
		if p.Sweep == "positions" {
			label += " " + p.Labels[j]
		}
		t.Columns = append(t.Columns, label)
	}
	for i := len(p.Layers) - 1; i >= 0; i-- {
		t.Rows = append(t.Rows, strconv.Itoa(p.Layers[i]))
		t.Values = append(t.Values, p.Restored[i])
	}
	scale := figure.SignedScaleOf(slices.Concat(p.Restored...))
	t.Scale = &scale
	return t
}
