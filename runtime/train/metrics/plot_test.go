package metrics

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// box is where a color was found: its extremes in pixels, y downwards, and the mean height of its outer columns.
type box struct {
	n, left, right, top, bottom int
	leftY, rightY               float64
}

// find looks for the pixels that are of a kind, outside the corners in which a legend shows what its words mean.
func find(img image.Image, is func(c color.NRGBA) bool) box {
	b := box{left: math.MaxInt, top: math.MaxInt}
	column := map[int][2]int{}
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if y < 215 && (x < 260 || x > 1060) || !is(color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)) {
				continue
			}
			b.n++
			b.left, b.right, b.top, b.bottom = min(b.left, x), max(b.right, x), min(b.top, y), max(b.bottom, y)
			c := column[x]
			column[x] = [2]int{c[0] + 1, c[1] + y}
		}
	}
	if b.n > 0 {
		b.leftY = float64(column[b.left][1]) / float64(column[b.left][0])
		b.rightY = float64(column[b.right][1]) / float64(column[b.right][0])
	}
	return b
}

func isBin(c color.NRGBA) bool  { return c == binColor }
func isPair(c color.NRGBA) bool { return int(c.B) > int(c.R)+40 }

func read(t *testing.T, path string) image.Image {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if s := img.Bounds().Size(); s != image.Pt(1200, 1200) {
		t.Errorf("%s is %v pixels, want 1200 by 1200", filepath.Base(path), s)
	}
	return img
}

// TestPlotCalibration: predictions of half the true range make a line twice as high as wide, up for a model that is right
// and down for one that is wrong.
func TestPlotCalibration(t *testing.T) {
	for _, c := range []struct {
		name  string
		truth []float64
		up    bool
	}{{"right", []float64{0, 25, 75, 100}, true}, {"reversed", []float64{100, 75, 25, 0}, false}} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.png")
			if err := PlotCalibration(path, Pairs{c.truth, []float64{25, 37.5, 62.5, 75}}, 5); err != nil {
				t.Fatal(err)
			}
			b := find(read(t, path), isBin)
			if b.n == 0 || b.bottom-b.top < 800 {
				t.Fatalf("the bins' line spans %d pixels of height, want most of 1200: %+v", b.bottom-b.top, b)
			}
			if ratio := float64(b.right-b.left) / float64(b.bottom-b.top); ratio < 0.45 || ratio > 0.57 {
				t.Errorf("the bins' line is %.2f times as wide as high, want about half", ratio)
			}
			if (b.leftY > b.rightY) != c.up {
				t.Errorf("the bins' line runs from height %v to %v in pixels from the top", b.leftY, b.rightY)
			}
		})
	}
}

// TestPlotCalibrationShowsIntervals: where a bin's true scores differ its mean has a bar, longer than its dot is high.
func TestPlotCalibrationShowsIntervals(t *testing.T) {
	height := func(truth ...float64) int {
		path := filepath.Join(t.TempDir(), "c.png")
		if err := PlotCalibration(path, Pairs{truth, []float64{50, 50, 50, 50}}, 1); err != nil {
			t.Fatal(err)
		}
		b := find(read(t, path), isBin)
		return b.bottom - b.top
	}
	if same := height(20, 20, 20, 20); same > 30 {
		t.Errorf("equal scores make a dot %d pixels high", same)
	}
	// The mean of 0, 0, 100, 100 is 50, and its 1.96 standard errors 57 either way: the whole of the axis.
	if apart := height(0, 0, 100, 100); apart < 800 {
		t.Errorf("an interval wider than the scores is %d pixels high", apart)
	}
}

// TestPlotResiduals: one prediction for all errs upwards for low scores and downwards for high ones; the mean error and the
// limits about it cross the whole plot.
func TestPlotResiduals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.png")
	if err := PlotResiduals(path, Pairs{[]float64{0, 50, 100}, []float64{50, 50, 50}}); err != nil {
		t.Fatal(err)
	}
	img := read(t, path)
	b := find(img, isPair)
	if b.n == 0 || b.right-b.left < 800 || b.bottom-b.top < 300 || b.leftY > 500 || b.rightY < 750 {
		t.Errorf("the pairs' pixels: %+v, want them from the upper left to the lower right", b)
	}
	lines := find(img, isBin)
	if lines.right-lines.left < 900 || lines.top > b.top || lines.bottom < b.bottom {
		t.Errorf("the lines' pixels: %+v, want them across the plot, above and below the pairs %+v", lines, b)
	}
}

// TestPlotsOfHardRanges: no scores that are let through make the axes fail, or run on.
func TestPlotsOfHardRanges(t *testing.T) {
	for _, c := range []struct {
		name             string
		truth, predicted []float64
		refused          bool
	}{
		{"one pair", []float64{5}, []float64{7}, false},
		{"one pair, equal", []float64{5}, []float64{5}, false},
		{"all equal", []float64{5, 5}, []float64{5, 5}, false},
		{"all zero", []float64{0, 0}, []float64{0, 0}, false},
		{"negative", []float64{-5, -1}, []float64{-4, -3}, false},
		{"large", []float64{1e70, -1e70}, []float64{1e69, 1}, false},
		{"small", []float64{1e-69, 2e-69}, []float64{3e-69, 1e-69}, false},
		{"far off by the same", []float64{1, 2}, []float64{1e6, 1e6 + 1}, false},
		{"equal and large", []float64{1e60, 1e60}, []float64{1e60, 1e60}, true},
		{"narrow", []float64{1e6, 1e6 + 0.01}, []float64{1e6 + 0.005, 1e6 + 0.002}, false},
		{"too large", []float64{1e200, 1}, []float64{1, 2}, true},
		{"too small", []float64{1e-200, 0}, []float64{0, 1e-200}, true},
		{"too narrow", []float64{1, 1 + 1e-12}, []float64{1, 1 + 2e-12}, true},
		{"NaN", []float64{math.NaN(), 1}, []float64{1, 2}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			p := Pairs{c.truth, c.predicted}
			for name, err := range map[string]error{
				"c.png": PlotCalibration(filepath.Join(dir, "c.png"), p, 3),
				"r.png": PlotResiduals(filepath.Join(dir, "r.png"), p),
			} {
				if (err != nil) != c.refused {
					t.Errorf("%s: error %v, refusal wanted: %v", name, err, c.refused)
				}
				if err != nil {
					continue
				}
				shown := func(c color.NRGBA) bool { return isPair(c) || isBin(c) } // a bin's dot may cover its pairs
				if find(read(t, filepath.Join(dir, name)), shown).n == 0 {
					t.Errorf("%s shows no pair", name)
				}
			}
		})
	}
}

// TestPlotsAreAtomicAndRepeat: one input, the same bytes; what fails leaves the file that was there and nothing beside it.
func TestPlotsAreAtomicAndRepeat(t *testing.T) {
	p, bad := related(50, 9), Pairs{[]float64{1}, nil}
	for name, draw := range map[string]func(path string, p Pairs) error{
		"calibration": func(path string, p Pairs) error { return PlotCalibration(path, p, 5) },
		"residuals":   PlotResiduals,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.png")
			if err := draw(path, p); err != nil {
				t.Fatal(err)
			}
			first, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := draw(path, bad); err == nil {
				t.Error("pairs of two lengths were drawn")
			}
			if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, first) {
				t.Errorf("a refused plot changed the file (%v)", err)
			}
			if err := draw(path, p); err != nil {
				t.Fatal(err)
			}
			if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, first) {
				t.Errorf("the same pairs made other bytes (%v)", err)
			}
			if err := draw(filepath.Join(dir, "none", "a.png"), p); err == nil {
				t.Error("no error for a folder that does not exist")
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("%d files are left, want the plot alone (%v)", len(left), err)
			}
		})
	}
}

// TestDrawableRangesHaveTicks tries ranges of many sizes and offsets: each has ticks, with labels that differ.
func TestDrawableRangesHaveTicks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	drawn := 0
	for range 20000 {
		width := math.Pow(10, 150*r.Float64()-75)
		low := math.Copysign(width*math.Pow(10, 14*r.Float64()-3), r.Float64()-0.5)
		if !usable(low) || !usable(low+width) || drawable(low, low+width) != nil {
			continue
		}
		drawn++
		ticks, labels := roundTicks{}.Ticks(low, low+width), map[string]bool{}
		for _, tick := range ticks {
			if v, err := strconv.ParseFloat(tick.Label, 64); err != nil || math.Abs(v-tick.Value) > 1e-6*width {
				t.Fatalf("the tick at %v says %s", tick.Value, tick.Label)
			}
			labels[tick.Label] = true
		}
		if n := len(ticks); n < 3 || n > 12 || len(labels) != n {
			t.Fatalf("%d ticks, %d labels from %v to %v", n, len(labels), low, low+width)
		}
	}
	if drawn < 5000 || drawn > 19000 {
		t.Errorf("%d of 20000 ranges can be drawn: the test must meet both kinds", drawn)
	}
}

func TestRoundTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 100, "0 20 40 60 80 100"},
		{-31, 43, "-30 -20 -10 0 10 20 30 40"},
		{1, 5, "1 2 3 4 5"},
		{0.2, 0.41, "0.20 0.25 0.30 0.35 0.40"},
		{999999.7, 1000002.2, "1000000 1000000.5 1000001 1000001.5 1000002"},
		{-2e9, 2e9, "-2e+09 -1e+09 0 1e+09 2e+09"},
	} {
		var got []string
		for _, tick := range (roundTicks{}).Ticks(c.low, c.high) {
			got = append(got, tick.Label)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%v to %v: %s, want %s", c.low, c.high, s, c.want)
		}
	}
}
