package report

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strconv"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights/option"
)

type foundLogit struct{ *lens.LogitLens }

func lookLogit(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o LensOptions) (Found, error) {
	positions := o.Positions
	if o.Pictures {
		positions = nil
		for _, v := range []*loupe.Vision{p.Images, p.Videos} {
			if v != nil {
				positions = append(positions, v.At...)
			}
		}
		if positions == nil {
			return nil, &option.Error{Field: "Files.Images", Fault: "there is no picture to look at", Want: "give Files.Images or Files.Videos"}
		}
	}
	found, err := lens.Logit(ctx, m, p, lens.LogitOptions{Positions: positions, Layers: o.Layers, Top: o.Top, Follow: o.Token})
	return foundLogit{found}, err
}

// Data implements Found.
func (f foundLogit) Data() any { return f.LogitLens }

// Lines implements Found: a line for each layer of each position.
func (f foundLogit) Lines() [][]string {
	lines := [][]string{{"position", "token", "layer", "followed", "probability", "rank", "entropy (nats)", "likeliest"}}
	for _, r := range f.Rows {
		for _, l := range r.Layers {
			line := []string{strconv.Itoa(r.Position), shown(r.Token), layerName(l.Layer), shown(r.Followed), figure.Number(l.Prob), strconv.Itoa(l.Rank), figure.Number(l.Entropy)}
			for _, w := range l.Words {
				line = append(line, fmt.Sprintf("%s (%.3f)", shown(w), w.Prob))
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// Draw implements Found: the likeliest word of each layer, from the last down, at each position.
func (f foundLogit) Draw(style figure.Style) (*image.RGBA, error) {
	t := figure.Table{Title: "logit lens: the likeliest word of each layer", Note: "its probability"}
	for _, r := range f.Rows {
		t.Columns = append(t.Columns, fmt.Sprintf("%d %s", r.Position, shown(r.Token)))
	}
	layers := f.Rows[0].Layers
	for i := len(layers) - 1; i >= 0; i-- {
		t.Rows = append(t.Rows, layerName(layers[i].Layer))
		var values []float64
		var words []string
		for _, r := range f.Rows {
			best := r.Layers[i].Words[0]
			values, words = append(values, best.Prob), append(words, shown(best))
		}
		t.Values, t.Words = append(t.Values, values), append(t.Words, words)
	}
	return figure.Heat(t, style), nil
}

type foundDirect struct{ *lens.Direct }

func lookDirect(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o LensOptions) (Found, error) {
	var at *int
	switch len(o.Positions) {
	case 0:
	case 1:
		at = &o.Positions[0]
	default:
		return nil, &option.Error{Field: "report.LensOptions.Positions", Value: o.Positions, Fault: fmt.Sprintf("report.LensOptions.Positions names %d", len(o.Positions)), Want: "direct divides the logit after one"}
	}
	found, err := lens.DirectLogit(ctx, m, p, lens.DirectOptions{Position: at, Token: o.Token, Against: o.Against})
	return foundDirect{found}, err
}

// Data implements Found.
func (f foundDirect) Data() any { return f.Direct }

// Lines implements Found: a line for each part, then what they add up to.
func (f foundDirect) Lines() [][]string {
	lines := [][]string{{"part", "adds"}}
	for _, p := range f.Parts {
		lines = append(lines, []string{p.Name(), figure.Number(p.Value)})
	}
	return append(lines, []string{"rounding", figure.Number(f.Remainder)}, []string{f.name(), figure.Number(f.Logit)})
}

func (f foundDirect) name() string {
	if f.Against != nil {
		return fmt.Sprintf("logit of %s less that of %s", shown(f.Token), shown(*f.Against))
	}
	return "logit of " + shown(f.Token)
}

// Draw implements Found: a row for each layer, a column for each head and one for the perceptron.
func (f foundDirect) Draw(style figure.Style) (*image.RGBA, error) {
	t := figure.Table{Title: "what each part adds to the " + f.name()}
	t.Note = fmt.Sprintf("logit; the input adds %s, together they are %s", figure.Number(f.Parts[0].Value), figure.Number(f.Logit))
	for _, p := range f.Parts[1:] {
		if p.Layer == len(t.Rows) {
			t.Rows, t.Values = append(t.Rows, layerName(p.Layer)), append(t.Values, nil)
		}
		t.Values[p.Layer] = append(t.Values[p.Layer], p.Value)
		if p.Layer == 0 {
			label := "mlp"
			if p.Kind == "head" {
				label = strconv.Itoa(p.Head)
			}
			t.Columns = append(t.Columns, label)
		}
	}
	scale := figure.SignedScaleOf(slices.Concat(t.Values...))
	t.Scale = &scale
	return figure.Heat(t, style), nil
}

type foundWords struct {
	*lens.NearestWords
	rows []int // merged tokens of each row of each frame of each picture
}

func lookWords(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o LensOptions) (Found, error) {
	layer := lens.Input
	switch len(o.Layers) {
	case 0:
	case 1:
		layer = o.Layers[0]
	default:
		return nil, &option.Error{Field: "report.LensOptions.Layers", Value: o.Layers, Fault: fmt.Sprintf("report.LensOptions.Layers names %d", len(o.Layers)), Want: "words looks after one"}
	}
	found, err := lens.Nearest(ctx, m, p, layer, o.Top)
	if err != nil {
		return nil, err
	}
	out := foundWords{NearestWords: found}
	merge := m.Config.Vision.SpatialMergeSize
	for _, v := range []*loupe.Vision{p.Images, p.Videos} {
		if v == nil {
			continue
		}
		for _, g := range v.Grids {
			for range g[0] * g[1] / merge {
				out.rows = append(out.rows, g[2]/merge)
			}
		}
	}
	return out, nil
}

// Data implements Found.
func (f foundWords) Data() any { return f.NearestWords }

// Lines implements Found: a line for each picture token.
func (f foundWords) Lines() [][]string {
	lines := [][]string{{"position", "nearest"}}
	for _, t := range f.Tokens {
		line := []string{strconv.Itoa(t.Position)}
		for _, w := range t.Words {
			line = append(line, fmt.Sprintf("%s (%s)", shown(w), figure.Fixed(float64(w.Value), 3)))
		}
		lines = append(lines, line)
	}
	return lines
}

// Draw implements Found: the nearest word of each cell of the pictures, one picture below the other.
func (f foundWords) Draw(style figure.Style) (*image.RGBA, error) {
	t := figure.Table{Title: "the nearest word of each picture token, " + layerName(f.Layer), Note: "cosine"}
	for i := range slices.Max(f.rows) {
		t.Columns = append(t.Columns, strconv.Itoa(i))
	}
	at := 0
	for r, cols := range f.rows {
		var values []float64
		var words []string
		for _, token := range f.Tokens[at : at+cols] {
			values, words = append(values, token.Words[0].Value), append(words, shown(token.Words[0]))
		}
		t.Rows, t.Values, t.Words = append(t.Rows, strconv.Itoa(r)), append(t.Values, values), append(t.Words, words)
		at += cols
	}
	return figure.Heat(t, style), nil
}

type foundPCA struct {
	*lens.PCA
	p    *loupe.Prompt
	proc picture.Processor
}

func lookPCA(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o LensOptions) (Found, error) {
	tap := o.Tap
	if tap == "" {
		tap = fmt.Sprintf("visual.blocks.%d.out", m.Config.Vision.Depth-1)
	}
	found, err := lens.Components(ctx, m, p, tap)
	return foundPCA{found, p, m.Processor}, err
}

// Data implements Found.
func (f foundPCA) Data() any { return f.PCA }

// Lines implements Found: a line for each row of the tap.
func (f foundPCA) Lines() [][]string {
	lines := [][]string{{"row", "1", "2", "3"}}
	for i, r := range f.Rows {
		lines = append(lines, []string{strconv.Itoa(i), figure.Number(r[0]), figure.Number(r[1]), figure.Number(r[2])})
	}
	return lines
}

// Draw implements Found.
func (f foundPCA) Draw(style figure.Style) (*image.RGBA, error) {
	return figure.Components(f.p, f.proc, f.PCA, style)
}

type foundCKA struct{ *lens.Similarity }

func lookCKA(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o LensOptions) (Found, error) {
	b, pb := o.Base, o.BasePrompt
	if b == nil {
		b, pb = m, p
	}
	found, err := lens.CKA(ctx, m, p, b, pb, o.Tower)
	return foundCKA{found}, err
}

// Data implements Found.
func (f foundCKA) Data() any { return f.Similarity }

// Lines implements Found.
func (f foundCKA) Lines() [][]string {
	lines := [][]string{append([]string{""}, f.Columns...)}
	for i, row := range f.Values {
		line := []string{f.Rows[i]}
		for _, v := range row {
			line = append(line, figure.Fixed(v, 4))
		}
		lines = append(lines, line)
	}
	return lines
}

// Draw implements Found.
func (f foundCKA) Draw(style figure.Style) (*image.RGBA, error) {
	t := figure.Table{Title: "linear centered kernel alignment", Note: "1: alike but for a rotation and a factor", Rows: f.Rows, Values: f.Values}
	for i := range f.Columns {
		t.Columns = append(t.Columns, strconv.Itoa(i))
	}
	return figure.Heat(t, style), nil
}
