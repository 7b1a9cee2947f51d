package loupe_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/device"
)

// onDevices calls load so that the model has as many foreign devices, of which the first layers together take n.
func onDevices(t *testing.T, devices, n int, load func() (*loupe.Model, error)) (*loupe.Model, []*devicetest.Device) {
	t.Helper()
	of, further, layers := device.Of, device.Further, device.Layers
	defer func() { device.Of, device.Further, device.Layers = of, further, layers }()
	all := make([]*devicetest.Device, devices)
	device.Layers = &n
	device.Of = func(e *kernels.Engine) kernels.Device {
		for i := range all {
			all[i] = devicetest.New(e)
		}
		return all[0]
	}
	device.Further = func(*kernels.Engine) (out []kernels.Device) {
		for _, d := range all[1:] {
			out = append(out, d)
		}
		return out
	}
	m, err := load()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, all
}

// TestLayersOnDevices: wherever the boundaries between devices are, a model gives what it gives on the processor, to the bit: values and
// gradients at every tap, with interventions and without, in parts and whole, the logits of an answer, and the score.
func TestLayersOnDevices(t *testing.T) {
	if device.Layers != nil {
		t.Skip("LOUPE_DEVICE has chosen a boundary")
	}
	edits := []loupe.Intervention{
		{Tap: "model.embed_tokens", Op: tensor.Scale, Head: loupe.AllHeads, Rows: []int{-1}, Scale: 1.5},
		{Tap: "model.layers.0.self_attn.probs", Op: tensor.Scale, Head: 1, Scale: 0.5},
		{Tap: "model.layers.*.out", Op: tensor.Mean, Head: loupe.AllHeads, Rows: []int{-2}},
		{Tap: "visual.blocks.*.attn.probs.*", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 0.75},
		{Tap: "model.norm", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 1.25},
	}
	golden := filepath.Join("testdata", "golden", "model")
	adapter := func(name string) func() (*loupe.Model, error) {
		return func() (*loupe.Model, error) {
			return loupe.Load(golden, loupe.Options{Adapter: filepath.Join(adapterDir, name), MaxPixels: 56 * 56})
		}
	}
	long := os.Getenv("LOUPE_LONG") == "1"
	cases := []struct {
		name string
		on   [][2]int // how many devices, and how many layers they take
		load func() (*loupe.Model, error)
	}{
		{"demo", [][2]int{{1, 0}, {1, 1}, {1, 2}, {1, 3}, {2, 2}, {2, 3}, {3, 3}}, func() (*loupe.Model, error) { return loupe.Embedded(loupe.Options{MaxPixels: 56 * 56}) }},
		{"int8", [][2]int{{1, 1}, {2, 3}}, func() (*loupe.Model, error) {
			return loupe.Embedded(loupe.Options{Precision: "int8", MaxPixels: 56 * 56})
		}},
		{"saved tied", [][2]int{{1, 2}, {2, 3}}, adapter("saved-tied")},
		{"DoRA of the embedding", [][2]int{{1, 2}}, adapter("embedding-dora")},
		{"DoRA of lm_head", [][2]int{{2, 2}}, adapter("dora-lm-head")},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			own, err := c.load()
			if err != nil {
				t.Fatal(err)
			}
			defer own.Close()
			changes := [][]loupe.Intervention{nil, edits}
			if !long && i > 0 {
				changes = changes[:1]
			}
			for _, with := range changes {
				want := bits(t, own, mixedPrompt(t, own), with)
				if len(want) < 100 {
					t.Errorf("only %d tensors are compared", len(want))
				}
				for _, on := range c.on {
					m, all := onDevices(t, on[0], on[1], c.load)
					if diff := cmp.Diff(want, bits(t, m, mixedPrompt(t, m), with)); diff != "" {
						t.Errorf("%d layers on %d devices, %d edits: (-processor +devices)\n%s", on[1], on[0], len(with), diff)
					}
					for d, dev := range all {
						if n := dev.Counts(); n.Operations < 100 && (d == 0 || on[1] > 0) {
							t.Errorf("device %d of %d, which take %d layers, was asked for next to nothing: %+v", d, on[0], on[1], n)
						}
					}
				}
			}
		})
	}
}

// TestLayersDecode: an answer on several devices has the tokens and the logits that it has on the processor, and gives their memory back.
func TestLayersDecode(t *testing.T) {
	load := func() (*loupe.Model, error) {
		return loupe.Embedded(loupe.Options{MaxPixels: 56 * 56, PrefillChunk: 3})
	}
	answer := func(m *loupe.Model) (ids []int, digest string) {
		a, err := m.Answer(context.Background(), mixedPrompt(t, m), loupe.Generation{MaxTokens: 12, IgnoreEOS: true})
		if err != nil {
			t.Fatal(err)
		}
		for tok, err := range a.Tokens() {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, tok.ID)
		}
		return ids, a.LogitsDigest()
	}
	own, err := load()
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	ids, digest := answer(own)
	for _, on := range [][2]int{{1, 0}, {1, 1}, {1, 2}, {1, 3}, {2, 2}, {2, 3}} {
		m, all := onDevices(t, on[0], on[1], load)
		got, d := answer(m)
		if !slices.Equal(got, ids) || d != digest {
			t.Errorf("%d layers on %d devices: tokens %v with logits %s, want %v with %s", on[1], on[0], got, d, ids, digest)
		}
		before := fmt.Sprint(counts(all))
		if got, _ := answer(m); !slices.Equal(got, ids) {
			t.Errorf("%d layers on %d devices: the second time the tokens are %v", on[1], on[0], got)
		}
		if after := fmt.Sprint(counts(all)); after != before {
			t.Errorf("%d layers on %d devices: a second answer changes what is allocated from %s to %s", on[1], on[0], before, after)
		}
	}
}

// counts are the allocations of each device.
func counts(all []*devicetest.Device) (out []int) {
	for _, d := range all {
		out = append(out, d.Counts().Allocated)
	}
	return out
}
