//go:build cuda && linux && cgo

package train_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/runtime/train"
)

// TestFakeGPU: training by the kernels of a GPU, which a fake driver runs on the processor, writes the files that the processor writes by
// its own, to the byte: branches, whole weights, magnitudes, and the optimizer's moments.
func TestFakeGPU(t *testing.T) {
	library := filepath.Join(t.TempDir(), "libcudasim.so")
	if err := cudatest.Build(filepath.Join("..", "..", "kernels", "cuda"), library); errors.Is(err, exec.ErrNotFound) {
		t.Skip("no g++: the fake driver cannot be built")
	} else if err != nil {
		t.Fatal(err)
	}
	dir := painted(t, 4)
	for i, c := range []struct {
		name   string
		change func(o *train.Options)
	}{
		{"LoRA", func(*train.Options) {}},
		{"DoRA and modules", func(o *train.Options) {
			o.LoRA.DoRA, o.LoRA.Modules = true, []string{"visual.merger", "*layernorm", "embed_tokens"}
			o.Recompute = true
		}},
		{"full", func(o *train.Options) { o.Full, o.LR = true, 1e-4 }},
	} {
		if i > 0 && os.Getenv("LOUPE_LONG") != "1" {
			t.Log("set LOUPE_LONG=1 for DoRA and full training")
			break
		}
		t.Run(c.name, func(t *testing.T) {
			trained := func() string {
				o := options(t, dir)
				o.Steps, o.CheckpointEvery = 2, 2
				c.change(&o)
				if err := run(context.Background(), t, o, 2, nil); err != nil {
					t.Fatal(err)
				}
				return digest(t, o.Out)
			}
			want := trained()
			gpu, err := cuda.Open(cuda.Options{Library: library})
			if err != nil {
				t.Fatal(err)
			}
			defer gpu.Close()
			defer func(of func(*kernels.Engine) kernels.Device) { device.Of = of }(device.Of)
			device.Of = func(*kernels.Engine) kernels.Device { return gpu }
			if trained() != want {
				t.Error("training on a GPU's kernels writes other files")
			}
		})
	}
}
