//go:build cuda && linux && cgo

package loupe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels/cuda"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// TestFakeGPU: by the kernels of a GPU, which a fake driver runs on the processor, a model gives what it gives by the processor's own, to the
// bit: values and gradients at every tap, logits and score, with interventions and without, in each precision.
func TestFakeGPU(t *testing.T) {
	library := cudatest.Driver(t, filepath.Join("..", "kernels", "cuda"))
	edits := []loupe.Intervention{
		{Tap: "model.layers.0.self_attn.probs", Op: tensor.Scale, Head: 1, Scale: 0.5},
		{Tap: "visual.blocks.*.attn.probs.*", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 0.75},
		{Tap: "model.layers.*.mlp.act", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 1.25},
	}
	for i, precision := range []string{"int8", "exact", "bf16", "int4"} {
		if i > 0 && os.Getenv("LOUPE_LONG") != "1" {
			t.Log("set LOUPE_LONG=1 for the other precisions")
			break
		}
		t.Run(precision, func(t *testing.T) {
			t.Setenv("CUDASIM_ORDER", []string{"random", "forward", "reverse", "random"}[i])
			load := func(device string) (*loupe.Model, error) {
				return loupe.Load(filepath.Join("testdata", "golden", "model"), loupe.Options{Precision: precision, MaxPixels: 56 * 56, Device: device})
			}
			own, err := load("cpu")
			if err != nil {
				t.Fatal(err)
			}
			defer own.Close()
			m, err := load("cuda")
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			for _, with := range [][]loupe.Intervention{nil, edits} {
				want := bits(t, own, mixedPrompt(t, own), with)
				if diff := cmp.Diff(want, bits(t, m, mixedPrompt(t, m), with)); diff != "" {
					t.Errorf("%d edits: (-processor +GPU)\n%s", len(with), diff)
				}
				if len(want) < 100 {
					t.Errorf("only %d tensors are compared", len(want))
				}
			}
		})
	}
	t.Run("bf16-mma", mmaGPU)
	t.Run("shared", func(t *testing.T) { sharedGPU(t, library) })
	t.Run("fails", func(t *testing.T) { failingGPU(t, library) })
}

// sharedGPU: models of one process share a GPU: one that is closed leaves the others as they were, and its memory can be had again.
func sharedGPU(t *testing.T, library string) {
	load := func() *loupe.Model {
		m, err := loupe.Load(filepath.Join("testdata", "golden", "model"), loupe.Options{MaxPixels: 56 * 56, Device: "cuda:0"})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	logits := func(m *loupe.Model) string {
		traced, err := m.Trace(t.Context(), mixedPrompt(t, m), loupe.TraceOptions{Taps: []string{"lm_head"}})
		if err != nil {
			t.Fatal(err)
		}
		return traced.Digest
	}
	first, second := load(), load()
	defer first.Close()
	want := logits(first)
	if got := logits(second); got != want {
		t.Errorf("the second gives %v, the first %v", got, want)
	}
	second.Close()
	if got := logits(first); got != want {
		t.Errorf("after the second has gone the first gives %v, and gave %v", got, want)
	}
	if _, fake := cudatest.Library(); !fake {
		return
	}
	if notes := strings.Join(first.Notes, "\n"); !strings.Contains(notes, library+" stands for the NVIDIA driver") {
		t.Errorf("a fake driver is not spoken of: %q", notes)
	}
}

// failingGPU: what a GPU lacks is the error of loading a model on it, and nothing is computed elsewhere instead.
func failingGPU(t *testing.T, library string) {
	cudatest.FakeOnly(t)
	for _, c := range []struct {
		name, device string
		env          map[string]string
		want         string
	}{
		{"no driver", "cuda", map[string]string{cuda.LibraryVariable: "libnosuchcuda.so.1"}, "cannot load the NVIDIA driver library libnosuchcuda.so.1"},
		{"no second GPU", "cuda:1", nil, "there is no GPU cuda:1; the driver shows one GPU, cuda:0"},
		{"hidden", "cuda", map[string]string{"CUDASIM_DEVICES": "0", "CUDA_VISIBLE_DEVICES": ""}, `CUDA_VISIBLE_DEVICES is ""`},
		{"weights that do not fit", "cuda", map[string]string{"CUDASIM_MEMORY": "65536"}, "do not fit: cuda would need "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(cuda.LibraryVariable, library)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			m, err := loupe.Load(filepath.Join("testdata", "golden", "model"), loupe.Options{Device: c.device})
			if err == nil {
				m.Close()
				t.Fatal("it loads")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q does not say %q", err, c.want)
			}
		})
	}
}
