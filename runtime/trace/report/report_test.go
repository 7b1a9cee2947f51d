package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
)

var (
	committed = filepath.Join("..", "..", "testdata", "golden")
	headDir   = filepath.Join("..", "testdata", "head")
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSaveMap: every kind of file holds the map's numbers, to the bit where it holds numbers.
func TestSaveMap(t *testing.T) {
	c := fixture.Open(t, committed, "image_and_video", headDir)
	m, err := attribution.Compute(context.Background(), c.Model, c.Prompt, attribution.Contribution, attribution.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, ext := range MapKinds {
		if err := SaveMap(filepath.Join(dir, "map"+ext), c.Prompt, c.Model.Processor, Attended{Map: m}, figure.DefaultStyle()); err != nil {
			t.Fatal(err)
		}
	}
	var back Attended
	if err := json.Unmarshal(read(t, filepath.Join(dir, "map.json")), &back); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.All(), m.All()) || *back.Sum != *m.Sum || back.Method != m.Method {
		t.Error("the JSON holds another map")
	}
	lines, err := csv.NewReader(bytes.NewReader(read(t, filepath.Join(dir, "map.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range m.All() {
		if got, err := strconv.ParseFloat(lines[i+1][5], 64); err != nil || got != v {
			t.Fatalf("line %d of the CSV has %s, want %v", i+2, lines[i+1][5], v)
		}
	}
	if want := []string{"video", "0", "0", "0", "0"}; !slices.Equal(lines[1+len(m.Panels[0].Values)][:5], want) {
		t.Errorf("the video's first line is %v", lines[1+len(m.Panels[0].Values)])
	}
	tensors := fixture.ReadReference(t, filepath.Join(dir, "map.safetensors"))
	if got := tensors.Float64s(t, "image.0"); !slices.Equal(got, m.Panels[0].Values) {
		t.Error("image.0 differs")
	}
	if got := tensors["seen.image.0"].Data; !bytes.Equal(got, c.Input.Images[0].Pix) {
		t.Error("seen.image.0 differs")
	}
	if _, err := png.Decode(bytes.NewReader(read(t, filepath.Join(dir, "map.png")))); err != nil {
		t.Error(err)
	}
	if err := SaveMap(filepath.Join(dir, "map.gif"), c.Prompt, c.Model.Processor, Attended{Map: m}, figure.DefaultStyle()); err == nil || !strings.Contains(err.Error(), ".npz") {
		t.Errorf("error is %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != len(MapKinds) {
		t.Errorf("%d files, want %d", len(left), len(MapKinds))
	}
}

func TestLenses(t *testing.T) {
	c := fixture.Open(t, committed, "image", "")
	dir := t.TempDir()
	for _, name := range LensNames() {
		found, err := Lens(context.Background(), c.Model, c.Prompt, name, LensOptions{Top: 2})
		if err != nil {
			t.Fatal(err)
		}
		var table bytes.Buffer
		if err := WriteTable(&table, found.Lines()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(table.String(), "\n"); n != len(found.Lines()) {
			t.Errorf("%s: the table has %d lines, want %d: a word breaks one", name, n, len(found.Lines()))
		}
		for _, ext := range LensKinds {
			if err := SaveLens(filepath.Join(dir, name+ext), found, figure.DefaultStyle()); err != nil {
				t.Errorf("%s%s: %v", name, ext, err)
			}
		}
		if !json.Valid(read(t, filepath.Join(dir, name+".json"))) {
			t.Errorf("%s.json is not JSON", name)
		}
	}
	if _, err := Lens(context.Background(), c.Model, c.Prompt, "telescope", LensOptions{}); err == nil {
		t.Error("an unknown lens was taken")
	}
}

func TestProbing(t *testing.T) {
	row, column, middle := 0.5, -0.25, 0.125
	f := Probing(&lens.Probing{Pictures: 10, Targets: []string{"score"}, Layers: []lens.ProbedLayer{
		{Tap: "visual.merger", Row: &row, Column: &column, Middle: &middle, Targets: []float64{0.875}},
		{Tap: "model.layers.0.out", Last: true, Targets: []float64{-0.001}},
	}})
	want := [][]string{
		{"R²", "score", "its row", "its column", "off the middle"},
		{"visual.merger", "0.88", "0.50", "-0.25", "0.13"},
		{"model.layers.0.out, last token", "0.00", "", "", ""},
	}
	if diff := cmp.Diff(want, f.Lines()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	dir := t.TempDir()
	for _, ext := range LensKinds {
		if err := SaveLens(filepath.Join(dir, "probe"+ext), f, figure.DefaultStyle()); err != nil {
			t.Errorf("probe%s: %v", ext, err)
		}
	}
}

// TestEveryPanelIsDrawn: of several pictures of other widths each is drawn, by every lens that draws over them.
func TestEveryPanelIsDrawn(t *testing.T) {
	c := fixture.Open(t, committed, "two_images", "")
	one := fixture.Open(t, committed, "image", "")
	dir := t.TempDir()
	height := func(c *fixture.Case, name string) int {
		path := filepath.Join(dir, name+".png")
		if err := SaveHeads(t.Context(), path, c.Model, c.Prompt, attribution.Options{Layers: []int{0}, Heads: []int{0, 1}}, figure.DefaultStyle()); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(read(t, path)))
		if err != nil {
			t.Fatal(err)
		}
		return img.Bounds().Dy()
	}
	if a, b := height(one, "one"), height(c, "two"); b < 3*a/2 {
		t.Errorf("two pictures are %d pixels high, and one is %d", b, a)
	}
	found, err := Lens(t.Context(), c.Model, c.Prompt, "words", LensOptions{Top: 1})
	if err != nil {
		t.Fatal(err)
	}
	words := found.(foundWords)
	want := 0
	for _, g := range c.Prompt.Images.Grids {
		want += g[1] / 2
	}
	cells := 0
	for _, n := range words.rows {
		cells += n
	}
	if len(words.rows) != want || cells != len(words.Tokens) || words.rows[0] == words.rows[want-1] {
		t.Errorf("%d rows of %v tokens, want %d rows of %d together, of two widths", len(words.rows), words.rows, want, len(words.Tokens))
	}
	if _, err := found.Draw(figure.DefaultStyle()); err != nil {
		t.Error(err)
	}
}
