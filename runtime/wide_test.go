package loupe_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/reftest"
)

// wideMaxPixels is what the reference of real width resized its picture to.
const wideMaxPixels = 200704

// TestWide holds a checkpoint of real width to the reference: LOUPE_WIDE is its directory, or "DIR,REFERENCE.safetensors"
// for one with a reference of its own. The messages and the default reference are those of ../shared/golden/wide.
func TestWide(t *testing.T) {
	dir, reference, own := strings.Cut(os.Getenv("LOUPE_WIDE"), ",")
	if dir == "" {
		t.Skip("no checkpoint of real width: set LOUPE_WIDE to a directory made by make_synthetic.py --layers 2 --blocks 2")
	}
	shared := fixture.SharedDir()
	if shared == "" {
		t.Skip("the messages and the picture of this test are in ../shared, which is not here")
	}
	wide := filepath.Join(shared, "golden", "wide")
	if !own {
		reference = filepath.Join(wide, "2b-2layers-2blocks-hokusai-200704.safetensors")
	}
	want, err := weights.Open(reference)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()

	m, err := loupe.Load(dir, loupe.Options{MaxPixels: wideMaxPixels})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p := widePrompt(t, m, filepath.Join(wide, "messages.json"), filepath.Join(shared, "reference", "images", "painting_hokusai_wave_928x514_progressive.jpg"))
	taps := map[string]loupe.Tap{}
	o := loupe.TraceOptions{Taps: []string{"visual.merger", "model.layers.*.out", "model.norm", "lm_head"}}
	if _, err := m.Trace(context.Background(), p, o, func(t loupe.Tap) error {
		taps[t.Name] = t
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, w := range want.Tensors() {
		switch w.Name {
		case "input_ids":
			if got := int64s(p.IDs); !slices.Equal(got, w.I64()) {
				t.Errorf("ids are %v, want %v", got, w.I64())
			}
		case "position_ids":
			if got := int64s(slices.Concat(p.Positions[:]...)); !slices.Equal(got, w.I64()) {
				t.Errorf("positions are %v, want %v", got, w.I64())
			}
		case "image_grid_thw":
		case "pixel_values_head":
			reftest.Compare(t, w.Name, p.Images.Pixels.Floats()[:w.Len()], w.F32(), tolerance)
		default:
			name, last := strings.CutSuffix(w.Name, ".last")
			got, ok := taps[name]
			if !ok {
				t.Errorf("no tap %s", name)
				continue
			}
			data := got.Data
			if last {
				data = data[len(data)-w.Len():]
			}
			reftest.Compare(t, w.Name, data, w.F32(), tolerance)
		}
	}
}

func widePrompt(t *testing.T, m *loupe.Model, messages, image string) *loupe.Prompt {
	t.Helper()
	data, err := os.ReadFile(messages)
	if err != nil {
		t.Fatal(err)
	}
	var in loupe.Input
	if in.Messages, err = tokenizer.ParseMessages(data); err != nil {
		t.Fatal(err)
	}
	img, err := picture.LoadFile(t.Context(), image, picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	in.Images = []picture.Image{img}
	p, err := m.Prepare(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
