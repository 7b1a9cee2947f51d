package attribution

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
)

// TestLayout holds the grid against what was painted there: a picture with one dark patch has it where the map does.
func TestLayout(t *testing.T) {
	c := fixture.Open(t, committed, "image", "")
	p := c.Prompt
	g := p.Images.Grids[0]
	for _, side := range []int{1, 2} {
		panels, cells := layout(p, 2, side)
		if len(panels) != 1 || panels[0].Rows != g[1]/side || panels[0].Cols != g[2]/side {
			t.Fatalf("panels are %v for a grid of %v", panels, g)
		}
		seen := make([]int, len(cells))
		for _, c := range cells {
			seen[c.n]++
		}
		if slices.Max(seen) != 1 || slices.Min(seen) != 1 {
			t.Errorf("side %d: not every cell of the model comes once", side)
		}
	}
	// Row 1, column 2 of the patches is in the second block of the first row of blocks, its third patch.
	_, cells := layout(p, 2, 1)
	if got := cells[g[2]+2]; got != (cell{0, 4 + 2}) {
		t.Errorf("patch (1, 2) is %v of the model", got)
	}
}

func TestBaselines(t *testing.T) {
	c := fixture.Open(t, committed, "two_images", "")
	cols := c.Prompt.Images.Pixels.Cols
	own := pixelsOf(c.Prompt)[0]
	for _, b := range Baselines() {
		got, err := baselinePixels(c.Prompt, b, c.Model.Processor)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, g := range c.Prompt.Images.Grids {
			n := g[0] * g[1] * g[2] * cols
			was, is := spread(own[at:at+n]), spread(got[0][at:at+n])
			at += n
			flat := b != Blur
			if flat && is > 1.7 || !flat && !(is < was) { // channels differ, pixels do not
				t.Errorf("%s: numbers spread over %v, the picture's over %v", b, is, was)
			}
		}
	}
	gray, _ := baselinePixels(c.Prompt, Gray, c.Model.Processor)
	if slices.Max(gray[0]) != 0 || slices.Min(gray[0]) != 0 {
		t.Error("gray is not 0")
	}
}

func spread(x []float32) float64 { return float64(slices.Max(x) - slices.Min(x)) }

// TestBlurKeepsPlanes: a plane of one value stays as it is, whatever its size, and blurring moves no brightness across.
func TestBlurKeepsPlanes(t *testing.T) {
	plane := make([]float32, 28*56)
	for i := range plane {
		plane[i] = 0.25
	}
	blur(plane, 56)
	for i, v := range plane {
		if v != 0.25 {
			t.Fatalf("pixel %d is %v", i, v)
		}
	}
	line := []float32{0, 0, 0, 9, 0, 0, 0}
	box(line, make([]float32, 7), 7, 1, 1)
	if want := []float32{0, 0, 3, 3, 3, 0, 0}; !slices.Equal(line, want) {
		t.Errorf("box gives %v, want %v", line, want)
	}
}

// TestAttentionIsTheModels: what is computed again from queries and keys is what the model used, to the bit.
func TestAttentionIsTheModels(t *testing.T) {
	c := fixture.Open(t, committed, "image_and_video", "")
	got, err := collect(context.Background(), c.Model, c.Prompt, nil, "*.probs*", "*.attn.q*", "*.attn.k*", "*.self_attn.q", "*.self_attn.k")
	if err != nil {
		t.Fatal(err)
	}
	same := func(name string, a *attention, probs loupe.Tap) {
		n := a.q.Rows
		buf := make([]float32, n*n)
		for h := range a.heads {
			p := a.probs(buf, h, 0, n)
			if !slices.EqualFunc(p.Floats(), probs.Data[h*n*n:][:n*n], func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
				t.Errorf("%s: head %d differs", name, h)
			}
		}
	}
	same("layer 1", got.decoderLayer(c.Model, 1), got["model.layers.1.self_attn.probs"])
	runs := passes(c.Prompt)
	for n, kind := range []string{"images", "videos"} {
		rows := runs[n].segments(c.Model, 1).Rows(0)
		same(kind, got.towerBlock(c.Model, 1, runs[n].suffix).among(rows), got["visual.blocks.1.attn.probs."+strconv.Itoa(n)])
	}
}

// TestAmongRows: the attention of rows that lie apart, as in windows, is that of the same rows laid together.
func TestAmongRows(t *testing.T) {
	m := embedded(t)
	tap := func(rows ...int) loupe.Tap {
		out := loupe.Tap{Shape: []int{len(rows), 4}}
		for _, row := range rows {
			for c := range 4 {
				out.Data = append(out.Data, float32((row*7+c*5)%11)/4)
			}
		}
		return out
	}
	whole := newAttention(m.Engine("a test"), tap(0, 1, 2, 3, 4, 5), tap(0, 1, 2, 3, 4, 5), 2, 2, false)
	r := []float64{1, 2, 3, 4, 5, 6}
	for _, rows := range [][]int{{4, 1, 5}, {2, 3, 4}, {0}} {
		apart, together := whole.among(rows), newAttention(m.Engine("a test"), tap(rows...), tap(rows...), 2, 2, false)
		weights := gather(r, rows)
		if !slices.Equal(apart.propagate(weights, nil, nil), together.propagate(weights, nil, nil)) {
			t.Errorf("rows %v attend otherwise where they lie apart", rows)
		}
		back := slices.Clone(r)
		if scatter(back, rows, weights); !slices.Equal(back, r) {
			t.Errorf("rows %v come back as %v", rows, back)
		}
	}
}

// TestThreads: a map has the same bits for any number of threads.
func TestThreads(t *testing.T) {
	var first []float64
	for _, threads := range []int{1, 3} {
		m, err := loupe.Load(filepath.Join(committed, "model"), loupe.Options{Threads: threads, Head: headDir})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		p, err := m.Prepare(context.Background(), fixture.Open(t, committed, "image", "").Input)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Compute(context.Background(), m, p, Relevance, Options{Target: &loupe.GradTarget{Token: 5}})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got.All()
		} else if !slices.Equal(first, got.All()) {
			t.Error("three threads give another map than one")
		}
	}
}

func TestRemainder(t *testing.T) {
	for _, c := range [][2]float64{{1, 1}, {52.000001, 52}, {0.1 + 0.2, 0.3}, {-3, 55.5}, {1e-9, 70}, {10, 70.25}} {
		if r := remainder(c[0], c[1]); c[0]+r != c[1] {
			t.Errorf("%v + %v is not %v", c[0], r, c[1])
		}
	}
}

func embedded(t *testing.T) *loupe.Model {
	t.Helper()
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}
