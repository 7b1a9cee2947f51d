package trace_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/host"
	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/vit/picture"
)

// TestSlowdown measures what looking costs at real width: LOUPE_WIDE names the checkpoint. Runs with and without taps take
// turns. Their medians are compared, of the time on the clock or, since others may use the machine, of that on its
// processors, whichever says less.
func TestSlowdown(t *testing.T) {
	dir, _, _ := strings.Cut(os.Getenv("LOUPE_WIDE"), ",")
	if dir == "" {
		t.Skip("no checkpoint of real width: set LOUPE_WIDE to a directory made by make_synthetic.py --layers 2 --blocks 2")
	}
	m, err := loupe.Load(dir, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	pix := make([]byte, 420*420*3)
	for i := range pix {
		pix[i] = byte(i * i >> 7)
	}
	p, err := m.Prepare(context.Background(), loupe.Ask("What does this picture show?", picture.Image{Width: 420, Height: 420, Pix: pix}))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d patches, %d tokens", p.Images.Pixels.Rows, len(p.IDs))
	ctx, out := context.Background(), t.TempDir()
	stream := []string{"visual.patch_embed", "visual.blocks.*.out", "visual.merger", "model.embed_tokens", "model.layers.*.out"}
	exact := func(globs []string) (names []string) { // * matches dots too: attn.out is not the stream
		shapes, err := loupe.Taps(globs...).Shapes(ctx, m, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range shapes {
			if !strings.Contains(s.Name, "attn.") && !strings.Contains(s.Name, "mlp.") {
				names = append(names, s.Name)
			}
		}
		return names
	}(stream)
	probs := []string{"*.probs*"}
	drop := func(loupe.Tap) error { return nil }
	run := func(taps []string, parts func(loupe.Part) error) func() error {
		return func() error {
			_, err := m.Trace(ctx, p, loupe.TraceOptions{Taps: taps, Parts: parts}, drop)
			return err
		}
	}
	toFile := func(taps []string) func() error {
		return func() error {
			_, err := trace.ToFile(ctx, m, p, loupe.Taps(taps...), filepath.Join(out, "t.safetensors"))
			return err
		}
	}
	parts := func(loupe.Part) error { return nil }
	modes := []struct {
		name string
		most float64 // of the plain run's time
		run  func() error
		took []time.Duration
		cpu  []time.Duration
	}{
		{name: "nothing", most: 1, run: run(nil, nil)},
		{name: "the stream", most: 1.03, run: run(exact, nil)},
		{name: "the stream in parts", most: 1.03, run: run(exact, parts)},
		{name: "the stream to a file", most: 1.10, run: toFile(exact)},
		{name: "probabilities", most: 1.25, run: run(probs, nil)},
		{name: "probabilities in parts", most: 1.25, run: run(probs, parts)},
		{name: "probabilities to a file", most: 1.50, run: toFile(probs)},
	}
	for round := range 9 {
		for i := range modes {
			at, cpu := time.Now(), host.CPUTime()
			if err := modes[i].run(); err != nil {
				t.Fatal(err)
			}
			if round > 0 { // the first reads the weights in
				modes[i].took = append(modes[i].took, time.Since(at))
				modes[i].cpu = append(modes[i].cpu, host.CPUTime()-cpu)
			}
		}
	}
	middle := func(x []time.Duration) float64 {
		slices.Sort(x)
		return x[len(x)/2].Seconds()
	}
	clock, cpu := middle(modes[0].took), middle(modes[0].cpu)
	for _, mode := range modes {
		byClock, byCPU := middle(mode.took)/clock, middle(mode.cpu)/cpu
		t.Logf("%-24s %.3f s, %.3f of nothing; processors %.3f s, %.3f", mode.name, middle(mode.took), byClock, middle(mode.cpu), byCPU)
		if min(byClock, byCPU) > mode.most {
			t.Errorf("looking at %s takes %.3f of the time of looking at nothing, more than %.2f", mode.name, byClock, mode.most)
		}
	}
}
