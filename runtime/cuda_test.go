//go:build cuda && linux && cgo

package loupe_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/device"
)

// TestFakeGPU: by the kernels of a GPU, which a fake driver runs on the processor, a model gives what it gives by the processor's own, to the
// bit: values and gradients at every tap, logits and score, with interventions and without, in each precision.
func TestFakeGPU(t *testing.T) {
	library := filepath.Join(t.TempDir(), "libcudasim.so")
	if err := cudatest.Build(filepath.Join("..", "kernels", "cuda"), library); errors.Is(err, exec.ErrNotFound) {
		t.Skip("no g++: the fake driver cannot be built")
	} else if err != nil {
		t.Fatal(err)
	}
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
			load := func() (*loupe.Model, error) {
				return loupe.Load(filepath.Join("testdata", "golden", "model"), loupe.Options{Precision: precision, MaxPixels: 56 * 56})
			}
			own, err := load()
			if err != nil {
				t.Fatal(err)
			}
			defer own.Close()
			gpu, err := cuda.Open(cuda.Options{Library: library})
			if err != nil {
				t.Fatal(err)
			}
			defer gpu.Close()
			before := device.Of
			device.Of = func(*kernels.Engine) kernels.Device { return gpu }
			m, err := load()
			device.Of = before
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
}
