package loupe_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/weights"
)

// onForeign calls load so that the model that it loads is on a foreign device.
func onForeign(t *testing.T, load func() (*loupe.Model, error)) (*loupe.Model, *devicetest.Device) {
	t.Helper()
	before := device.Of
	defer func() { device.Of = before }()
	var dev *devicetest.Device
	device.Of = func(e *kernels.Engine) kernels.Device {
		dev = devicetest.New(e)
		return dev
	}
	m, err := load()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, dev
}

// bits are digests of all that a model gives for a prompt, by name: every tap of the prompt and of a generated token, the gradient at
// every tap, the logits of an answer and the score; edited as said.
func bits(t *testing.T, m *loupe.Model, p *loupe.Prompt, edits []loupe.Intervention) map[string]string {
	t.Helper()
	out := map[string]string{}
	keep := func(name string, x []float32) {
		sum := sha256.Sum256(weights.F32Bytes(x))
		out[name] = hex.EncodeToString(sum[:8])
	}
	o := loupe.TraceOptions{Taps: []string{"*"}, Steps: 1, Generation: loupe.Generation{IgnoreEOS: true}}.With(edits...)
	target, err := loupe.ParseGradTarget("logprob:9", m.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	o.Grad = &target
	traced, err := m.Trace(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, tap := range traced.Taps {
		keep(tap.Name, tap.Data)
	}
	out["logits"] = traced.Digest
	parts := o // the same, shown in parts
	seen := map[string][]float32{}
	parts.Parts = func(p loupe.Part) error {
		if seen[p.Name] == nil {
			n := 1
			for _, d := range p.Shape {
				n *= d
			}
			seen[p.Name] = make([]float32, n)
		}
		copy(seen[p.Name][p.At:], p.Data)
		return nil
	}
	if _, err = m.Trace(context.Background(), p, parts); err != nil {
		t.Fatal(err)
	}
	for name, x := range seen {
		keep("parts of "+name, x)
	}
	if m.Head != nil && len(edits) == 0 {
		s, err := m.Score(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range s.Targets {
			keep("score "+target.Name, []float32{target.Output})
		}
	}
	return out
}

// TestForeignDevice: on a device whose memory is not the program's a model gives what it gives on the processor, to the bit: values
// and gradients at every tap, with interventions and without, whole and in parts, in every precision, with a DoRA's branches and
// modules saved whole. What lies between it and the device so assumes nothing of host memory.
func TestForeignDevice(t *testing.T) {
	edits := []loupe.Intervention{
		{Tap: "model.layers.0.self_attn.probs", Op: tensor.Scale, Head: 1, Scale: 0.5},
		{Tap: "model.layers.1.self_attn.scores", Op: tensor.Mean, Head: loupe.AllHeads, Rows: []int{-1}},
		{Tap: "visual.blocks.0.attn.heads", Op: tensor.Zero, Head: 0},
		{Tap: "visual.blocks.*.attn.probs.*", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 0.75},
		{Tap: "model.layers.0.out", Op: tensor.Mean, Head: loupe.AllHeads, Rows: []int{-2}},
		{Tap: "model.layers.*.mlp.act", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 1.25},
	}
	golden := filepath.Join("testdata", "golden", "model")
	var cases []foreignCase
	long := os.Getenv("LOUPE_LONG") == "1" // all precisions and adapters
	for _, precision := range loupe.Precisions {
		if !long && precision != "exact" && precision != "int4" {
			continue
		}
		cases = append(cases, foreignCase{precision, func() (*loupe.Model, error) {
			return loupe.Embedded(loupe.Options{Precision: precision})
		}})
	}
	cases = append(cases, foreignCase{"golden", func() (*loupe.Model, error) { return loupe.Load(golden, loupe.Options{MaxPixels: 56 * 56}) }})
	adapters, err := filepath.Glob(filepath.Join(adapterDir, "*", "adapter_config.json"))
	if err != nil || len(adapters) < 5 {
		t.Fatalf("%d adapters: %v", len(adapters), err)
	}
	for _, a := range adapters {
		dir := filepath.Dir(a)
		if name := filepath.Base(dir); !long && name != "dora" && name != "embedding-dora" && name != "saved-tied" {
			continue
		}
		cases = append(cases, foreignCase{filepath.Base(dir), func() (*loupe.Model, error) {
			return loupe.Load(golden, loupe.Options{Adapter: dir, MaxPixels: 56 * 56})
		}})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			own, err := c.load()
			if err != nil {
				t.Fatal(err)
			}
			defer own.Close()
			m, dev := onForeign(t, c.load)
			for _, with := range [][]loupe.Intervention{nil, edits} {
				want := bits(t, own, mixedPrompt(t, own), with)
				if diff := cmp.Diff(want, bits(t, m, mixedPrompt(t, m), with)); diff != "" {
					t.Errorf("%d edits: (-processor +foreign)\n%s", len(with), diff)
				}
				if len(want) < 100 {
					t.Errorf("only %d tensors are compared", len(want))
				}
			}
			if n := dev.Counts(); n.Operations < 1000 || n.Downloads < 100 || n.Inspections < 100 {
				t.Errorf("the device was asked for next to nothing: %+v", n)
			}
			if work := m.HostWork(); len(work) > 0 {
				t.Errorf("answers, traces and scores need none of it: the host did %q", work)
			}
		})
	}
}

type foreignCase struct {
	name string
	load func() (*loupe.Model, error)
}
