package report

import (
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"io"
	"strings"
	"text/tabwriter"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
	"github.com/loupe-vl/loupe/weights/disk"
)

// LensOptions are the options of all lenses; each uses its own. The zero value works, except for Top.
type LensOptions struct {
	Positions  []int         // of the prompt, for logit; direct takes one
	Pictures   bool          // for logit: every picture token in place of Positions
	Layers     []int         // for logit; words takes one
	Top        int           // words of each
	Token      *int          // to follow, or whose logit is divided
	Against    *int          // for direct
	Tap        string        // for pca
	Tower      bool          // for cka
	Base       *loupe.Model  // for cka: the model to compare with; nil: itself
	BasePrompt *loupe.Prompt // its prompt
}

// Found is the result of a lens: as data, as a table, and as a picture.
type Found interface {
	// Data is what it found, to be written as JSON.
	Data() any
	// Lines is a table whose first line names the columns.
	Lines() [][]string
	// Draw is a picture of it.
	Draw(figure.Style) (*image.RGBA, error)
}

var lenses = []struct {
	name string
	look func(context.Context, *loupe.Model, *loupe.Prompt, LensOptions) (Found, error)
}{
	{"logit", lookLogit}, {"direct", lookDirect}, {"words", lookWords}, {"pca", lookPCA}, {"cka", lookCKA}, {"received", lookReceived},
}

// LensNames are the names of the lenses.
func LensNames() []string {
	var names []string
	for _, l := range lenses {
		names = append(names, l.name)
	}
	return names
}

// Lens applies the lens of that name.
func Lens(ctx context.Context, m *loupe.Model, p *loupe.Prompt, name string, o LensOptions) (Found, error) {
	for _, l := range lenses {
		if l.name == name {
			return l.look(ctx, m, p, o)
		}
	}
	return nil, fmt.Errorf("lens %q is unknown; %s are known", name, strings.Join(LensNames(), ", "))
}

// LensKinds are the kinds of files that SaveLens writes.
var LensKinds = []string{".png", ".html", ".json", ".csv"}

// SaveLens writes what a lens found to a file of the kind that its name asks for.
func SaveLens(path string, f Found, style figure.Style) error {
	ext, err := Kind(path, LensKinds...)
	if err != nil {
		return err
	}
	switch ext {
	case ".png":
		img, err := f.Draw(style)
		if err != nil {
			return err
		}
		return SavePNG(path, img)
	case ".html":
		return saveTable(path, f, style)
	case ".csv":
		return SaveCSV(path, f.Lines())
	}
	return SaveJSON(path, f.Data())
}

//go:embed table.html
var tableHTML string

var tablePage = template.Must(template.New("table").Parse(tableHTML))

// saveTable writes a page that holds the picture and the table, and needs nothing else.
func saveTable(path string, f Found, style figure.Style) error {
	img, err := f.Draw(style)
	if err != nil {
		return err
	}
	data, err := encodePNG(img)
	if err != nil {
		return err
	}
	lines := f.Lines()
	return disk.WriteFile(path, func(w io.Writer) error {
		return tablePage.Execute(w, map[string]any{
			"CSS":  template.CSS(pageCSS),
			"PNG":  template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(data)),
			"Head": lines[0],
			"Rows": lines[1:],
		})
	})
}

// WriteTable writes lines of fields below each other.
func WriteTable(w io.Writer, lines [][]string) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, l := range lines {
		for i, field := range l {
			if i > 0 {
				fmt.Fprint(table, "\t")
			}
			fmt.Fprint(table, disk.Visible(field))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// shown is a word in one line, with what cannot be seen made visible.
func shown(w lens.Word) string {
	text := fmt.Sprintf("%q", w.Text)
	return text[1 : len(text)-1]
}

// layerName is a layer's label.
func layerName(layer int) string {
	if layer == lens.Input {
		return "input"
	}
	return fmt.Sprintf("layer %d", layer)
}
