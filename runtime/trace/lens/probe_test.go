package lens

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
)

// gradients are pictures that get brighter from the top, or where down is unset from the left, to a brightness of their own.
func gradients(m *loupe.Model, n int, down bool) ProbeSet {
	set := ProbeSet{Targets: []string{"brightness"}}
	for i := range n {
		set.Values = append(set.Values, []float64{float64((7 * i) % n)})
	}
	set.Prompt = func(i int) (*loupe.Prompt, error) {
		const side = 112
		img := picture.Image{Width: side, Height: side, Pix: make([]byte, 3*side*side)}
		for at := range img.Pix {
			along := at / 3 % side
			if down {
				along = at / 3 / side
			}
			img.Pix[at] = byte(2*along + int(set.Values[i][0]))
		}
		return m.Prepare(context.Background(), loupe.Ask("How bright?", img))
	}
	return set
}

// TestProbe: of pictures whose brightness grows along one side, the place along that side and the brightness can be read off the
// very patches, and the place along the other side cannot.
func TestProbe(t *testing.T) {
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, down := range []bool{true, false} {
		found, err := Probe(context.Background(), m, gradients(m, 20, down))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, l := range found.Layers {
			names = append(names, fmt.Sprint(l.Tap, l.Last))
			if (l.Row == nil) != l.Last || (l.Column == nil) != l.Last || len(l.Targets) != 1 {
				t.Errorf("layer %s has the wrong numbers: %+v", l.Tap, l)
			}
		}
		want := []string{"visual.patch_embedfalse"}
		for i := range m.Config.Vision.Depth {
			want = append(want, fmt.Sprintf("visual.blocks.%d.outfalse", i))
		}
		want = append(want, "visual.mergerfalse")
		for i := range m.Config.Text.NumHiddenLayers {
			want = append(want, fmt.Sprintf("model.layers.%d.outtrue", i), fmt.Sprintf("model.layers.%d.outfalse", i))
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("layers (-want +got):\n%s", diff)
		}
		first := found.Layers[0]
		along, across := *first.Row, *first.Column
		if !down {
			along, across = across, along
		}
		if along < 0.9 || across > 0.1 || first.Targets[0] < 0.9 {
			t.Errorf("down %v: of the patches R² is %.3f along, %.3f across and %.3f of the brightness; want near 1, 0 and 1", down, along, across, first.Targets[0])
		}
	}
}

func TestProbeErrors(t *testing.T) {
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	text := gradients(m, 20, true)
	text.Prompt = func(int) (*loupe.Prompt, error) { return m.Prepare(context.Background(), loupe.Ask("Hello.")) }
	same := gradients(m, 20, true)
	for i := range same.Values {
		same.Values[i] = []float64{3}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		set  ProbeSet
		want string
	}{
		{"few pictures", context.Background(), gradients(m, 9, true), "9 pictures; give 10 or more"},
		{"no picture", context.Background(), text, "prompt 1 has not exactly one picture"},
		{"one value", context.Background(), same, "brightness is 3 for every picture"},
		{"canceled", ctx, gradients(m, 20, true), "context canceled"},
	} {
		if _, err := Probe(c.ctx, m, c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestProbeOfOneLine: of pictures that are one token high, the row of a token is not asked.
func TestProbeOfOneLine(t *testing.T) {
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	set := gradients(m, 12, false)
	set.Prompt = func(i int) (*loupe.Prompt, error) {
		img := picture.Image{Width: 280, Height: 28, Pix: make([]byte, 3*280*28)}
		for at := range img.Pix {
			img.Pix[at] = byte(at*(i+3)>>4 + int(set.Values[i][0]))
		}
		return m.Prepare(context.Background(), loupe.Ask("How bright?", img))
	}
	found, err := Probe(context.Background(), m, set)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range found.Layers {
		merged := l.Tap == "visual.merger" || strings.HasPrefix(l.Tap, "model.")
		if !l.Last && (l.Row == nil) != merged || !l.Last && l.Column == nil {
			t.Errorf("%s: row %v, column %v", l.Tap, l.Row, l.Column)
		}
	}
}
