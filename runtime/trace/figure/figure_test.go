package figure

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
)

var committed = filepath.Join("..", "..", "testdata", "golden")

// TestSeen: what the model saw is the picture, to the byte, since these have a size that it leaves as it is; of a video, the
// first frame of each pair.
func TestSeen(t *testing.T) {
	c := fixture.Open(t, committed, "image_and_video", "")
	got := Seen(c.Prompt, c.Model.Processor)
	want := [][]byte{c.Input.Images[0].Pix, c.Input.Videos[0][0].Pix}
	if len(got) != len(want) {
		t.Fatalf("%d pictures, want %d", len(got), len(want))
	}
	for n, img := range got {
		var rgb []byte
		for i := 0; i < len(img.Pix); i += 4 {
			rgb = append(rgb, img.Pix[i:i+3]...)
		}
		if !bytes.Equal(rgb, want[n]) {
			t.Errorf("picture %d differs", n)
		}
	}
}

func TestColors(t *testing.T) {
	for _, c := range []struct {
		of   *Colors
		part float64
		want color.RGBA
	}{
		{Viridis, 0, color.RGBA{68, 1, 84, 255}}, {Viridis, 1, color.RGBA{253, 231, 37, 255}}, {Viridis, -3, color.RGBA{68, 1, 84, 255}},
		{Magma, 0, color.RGBA{0, 0, 4, 255}}, {Magma, 2, color.RGBA{252, 253, 191, 255}},
	} {
		if got := c.of.At(c.part); got != c.want {
			t.Errorf("at %v the color is %v, want %v", c.part, got, c.want)
		}
	}
	for i := 1; i < 256; i++ { // what makes them fit for numbers: lightness rises all the way
		if lightness(Viridis[i]) < lightness(Viridis[i-1])-0.5 || lightness(Magma[i]) < lightness(Magma[i-1])-0.5 {
			t.Errorf("color %d is darker than the one before", i)
		}
	}
	if _, err := ColorsOf("jet"); err == nil {
		t.Error("jet was taken")
	}
}

func lightness(c color.RGBA) float64 {
	return 0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)
}

func gray(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = 128
	}
	return img
}

func TestOverlay(t *testing.T) {
	g := Grid{Rows: 2, Cols: 3, Values: []float64{0, 1, 2, 3, 4, 5}}
	style := DefaultStyle()
	style.Alpha = 1
	hard := Overlay(gray(30, 20), g, ScaleOf(g.Values), style)
	for y := range 20 {
		for x := range 30 {
			if want := Viridis.At(g.Values[y/10*3+x/10] / 5); hard.RGBAAt(x, y) != want {
				t.Fatalf("pixel (%d, %d) is %v, want %v: cells have hard edges", x, y, hard.RGBAAt(x, y), want)
			}
		}
	}
	style.Smooth = true
	smooth := Overlay(gray(30, 20), g, ScaleOf(g.Values), style)
	if smooth.RGBAAt(0, 0) != Viridis.At(0) || smooth.RGBAAt(29, 19) != Viridis.At(1) {
		t.Error("the corners of a smooth map are not the corners of the grid")
	}
	if smooth.RGBAAt(9, 5) == hard.RGBAAt(9, 5) {
		t.Error("a smooth map has hard edges")
	}
	style.Alpha = 0
	if Overlay(gray(30, 20), g, ScaleOf(g.Values), style).RGBAAt(3, 3) != (color.RGBA{128, 128, 128, 255}) {
		t.Error("with alpha 0 the picture does not show")
	}
	if p := (Scale{Least: 2, Largest: 2}).Part(2); p != 0 {
		t.Errorf("a scale of one number puts it at %v", p)
	}
}

// TestAttribution: the figure shows the picture beside the map, whose largest cell has the map's last color.
func TestAttribution(t *testing.T) {
	c := fixture.Open(t, committed, "image_and_video", "")
	m, err := attribution.Compute(context.Background(), c.Model, c.Prompt, attribution.Raw, attribution.Options{})
	if err != nil {
		t.Fatal(err)
	}
	style := DefaultStyle()
	style.Alpha = 1
	img, err := Attribution(c.Prompt, c.Model.Processor, m, style)
	if err != nil {
		t.Fatal(err)
	}
	found := map[color.RGBA]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			found[img.RGBAAt(x, y)]++
		}
	}
	seen := Seen(c.Prompt, c.Model.Processor)[0]
	cell := seen.Bounds().Dx() * zoom(seen.Bounds(), style.Side) / m.Panels[0].Cols
	for _, of := range []color.RGBA{Viridis[0], Viridis[255]} {
		if found[of] < cell*cell {
			t.Errorf("%d pixels have the color %v of an end of the scale; a cell has %d", found[of], of, cell*cell)
		}
	}
	m.Panels = m.Panels[:1]
	if _, err := Attribution(c.Prompt, c.Model.Processor, m, style); err == nil {
		t.Error("a map of fewer panels was drawn")
	}
}

func TestOthers(t *testing.T) {
	c := fixture.Open(t, committed, "two_images", "")
	ctx := context.Background()
	for _, tap := range []string{"visual.blocks.0.out", "visual.merger", "model.layers.1.out"} {
		pca, err := lens.Components(ctx, c.Model, c.Prompt, tap)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Components(c.Prompt, c.Model.Processor, pca, DefaultStyle()); err != nil {
			t.Error(err)
		}
	}
	table := Table{Rows: []string{"a", "b"}, Columns: []string{"x"}, Values: [][]float64{{-1}, {1}}, Words: [][]string{{"one"}, {"a word that is far too long for its cell"}}}
	img := Heat(table, DefaultStyle())
	left := 0
	for x := range img.Bounds().Dx() { // the first cell begins where the scale's first color does
		if img.RGBAAt(x, margin+2*lineHeight) == Viridis[0] {
			left = x
			break
		}
	}
	if left == 0 {
		t.Error("the table has no cell of the least number's color")
	}
}

func TestFit(t *testing.T) {
	if got := fit("short", smallSize, 100); got != "short" {
		t.Errorf("%q", got)
	}
	if got := fit("a very long line of text", smallSize, 60); width(got, smallSize) > 60 || got == "" {
		t.Errorf("%q is %d wide", got, width(got, smallSize))
	}
}

func TestRuled(t *testing.T) {
	style := DefaultStyle()
	style.Side = 80
	got := Ruled(gray(40, 20), 2, 4, 2, 1, 2, style)
	if b := got.Bounds(); b.Dx() != 80 || b.Dy() != 40 {
		t.Fatalf("the picture is %v", b)
	}
	for _, c := range []struct {
		x, y int
		want color.RGBA
	}{
		{10, 10, color.RGBA{128, 128, 128, 128}},                                 // within a patch
		{20, 10, line}, {21, 10, color.RGBA{128, 128, 128, 128}}, {60, 10, line}, // between patches
		{39, 10, line}, {41, 10, line}, {42, 10, color.RGBA{128, 128, 128, 128}}, // between squares
		{40, 25, frame}, {59, 39, frame}, {50, 21, frame}, {50, 30, color.RGBA{128, 128, 128, 128}},
	} {
		if of := got.RGBAAt(c.x, c.y); of != c.want {
			t.Errorf("pixel (%d, %d) is %v, want %v", c.x, c.y, of, c.want)
		}
	}
}

// TestMultiples: many maps stand in rows and columns on a picture that a screen holds, whatever the number of heads.
func TestMultiples(t *testing.T) {
	for _, shape := range [][2]int{{2, 3}, {28, 12}, {32, 16}, {28, 28}} {
		h := Heads{Row: "layer", Column: "head"}
		var maps []Small
		for i := range shape[0] {
			h.Rows = append(h.Rows, strconv.Itoa(i))
			for j := range shape[1] {
				maps = append(maps, Small{i, j, Grid{1, 2, []float64{0, 1}}, 0.5})
			}
		}
		for j := range shape[1] {
			h.Cols = append(h.Cols, strconv.Itoa(j))
		}
		img := Multiples(gray(560, 280), "heads", maps, h, DefaultStyle())
		if b := img.Bounds(); b.Dx() > multiplesWidth || b.Dx() < 420 {
			t.Errorf("%v maps are drawn on %v", shape, b)
		}
		found := map[color.RGBA]int{}
		for i := 0; i < len(img.Pix); i += 4 {
			found[color.RGBA{img.Pix[i], img.Pix[i+1], img.Pix[i+2], 255}]++
		}
		for _, end := range []float64{0, 1} {
			if of := blend(color.RGBA{128, 128, 128, 255}, Viridis.At(end), 0.6); found[of] < 100*len(maps) {
				t.Errorf("%v: %d pixels show the end %v of the scale, too few for %d maps", shape, found[of], end, len(maps))
			}
		}
	}
}

// TestSigned: of numbers that part at 0 equal ones on both sides are equally far from the middle, and 0 lets the picture show.
func TestSigned(t *testing.T) {
	g := Grid{Rows: 1, Cols: 4, Values: []float64{-1, 0, 1, 4}}
	style := DefaultStyle()
	style.Alpha = 1
	s := SignedScaleOf(g.Values)
	if s != (Scale{-4, 4, true}) {
		t.Fatalf("the scale is %+v", s)
	}
	img := Overlay(gray(40, 10), g, s, style)
	if of := img.RGBAAt(15, 5); of != (color.RGBA{128, 128, 128, 255}) {
		t.Errorf("0 is drawn as %v", of)
	}
	if of := img.RGBAAt(35, 5); of != Diverging[255] {
		t.Errorf("the largest is drawn as %v", of)
	}
	low, high := img.RGBAAt(5, 5), img.RGBAAt(25, 5)
	if !(low.B > low.R) || !(high.R > high.B) {
		t.Errorf("-1 is %v and 1 is %v; want a blue and a red", low, high)
	}
	if s.Cover(s.Part(-1)) != s.Cover(s.Part(1)) || s.Cover(s.Part(1)) >= 1 {
		t.Errorf("-1 covers %v, and 1 %v", s.Cover(s.Part(-1)), s.Cover(s.Part(1)))
	}
	if s := SignedScaleOf([]float64{0, 0}); s.Part(0) != 0.5 || Number(s.Least) != "0" {
		t.Errorf("0 among zeros lies at %v", s.Part(0))
	}
	if s := SignedScaleOf([]float64{2, 3}); s.Part(0) != 0.5 {
		t.Errorf("where all are above it, 0 lies at %v", s.Part(0))
	}
}

// TestMissing: a number that is not there has a color that no number has, in tables and over pictures, and moves no scale.
func TestMissing(t *testing.T) {
	g := Grid{Rows: 1, Cols: 3, Values: []float64{0, math.NaN(), 2}}
	if s := ScaleOf(g.Values); s != (Scale{Least: 0, Largest: 2}) {
		t.Errorf("the scale is %+v", s)
	}
	img := Overlay(gray(30, 10), g, ScaleOf(g.Values), DefaultStyle())
	for x := 10; x < 20; x++ {
		if of := img.RGBAAt(x, 3); of != missingGround && of != missingStripe {
			t.Errorf("the missing cell has %v at %d", of, x)
		}
	}
	table := Heat(Table{Rows: []string{"a"}, Columns: []string{"x", "y"}, Values: [][]float64{{math.NaN(), -0.5}}, Scale: &Scale{-1, 1, true}}, DefaultStyle())
	found := map[color.RGBA]int{}
	for i := 0; i < len(table.Pix); i += 4 {
		found[color.RGBA{table.Pix[i], table.Pix[i+1], table.Pix[i+2], 255}]++
	}
	if found[missingGround] < 300 || found[missingStripe] < 100 || found[Diverging.At(0.25)] < 600 {
		t.Errorf("the table shows %d and %d pixels of what is missing, and %d of -0.5", found[missingGround], found[missingStripe], found[Diverging.At(0.25)])
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		least, largest float64
		most           int
		want           []float64
	}{
		{0, 1, 5, []float64{0, 0.5, 1}},
		{-0.31, 0.31, 4, []float64{-0.2, 0, 0.2}},
		{17.3, 94.2, 5, []float64{20, 40, 60, 80}},
		{0.00012, 0.00047, 4, []float64{0.0002, 0.0003, 0.0004}},
		{-4e6, 4e6, 5, []float64{-4e6, -2e6, 0, 2e6, 4e6}},
		{3, 3, 5, nil},
	} {
		got := Scale{Least: c.least, Largest: c.largest}.Ticks(c.most)
		if len(got) > c.most || !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12*math.Max(1, math.Abs(b)) }) {
			t.Errorf("%v to %v: %v, want %v", c.least, c.largest, got, c.want)
		}
		for _, v := range got {
			if text := Number(v); len(text) > 7 {
				t.Errorf("%v to %v: the tick %s is not round", c.least, c.largest, text)
			}
		}
	}
}

func TestWrap(t *testing.T) {
	lines := wrap("one two three four five six seven eight nine ten eleven twelve thirteen fourteen", smallSize, 80)
	if len(lines) != mostLines {
		t.Errorf("%q", lines)
	}
	for _, line := range lines {
		if width(line, smallSize) > 80 {
			t.Errorf("%q is %d wide", line, width(line, smallSize))
		}
	}
	if wrap("", smallSize, 80) != nil {
		t.Error("nothing takes a line")
	}
}
