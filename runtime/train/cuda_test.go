//go:build cuda && linux && cgo

package train_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
)

// TestFakeGPU: training by the kernels of a GPU, which a fake driver runs on the processor, writes the files that the processor writes by
// its own, to the byte: branches, whole weights, magnitudes, and the optimizer's moments.
func TestFakeGPU(t *testing.T) {
	cudatest.Driver(t, filepath.Join("..", "..", "kernels", "cuda"))
	dir, steps := painted(t, 4), 2
	if _, fake := cudatest.Library(); !fake {
		steps = 20 // a GPU is fast
	}
	t.Run("bf16-mma", func(t *testing.T) { mmaTraining(t, dir) })
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
			trained := func(device string) string {
				o := options(t, dir)
				o.Steps, o.CheckpointEvery = steps, steps
				c.change(&o)
				if err := runWith(context.Background(), t, o, loupe.Options{Threads: 2, Device: device}, nil); err != nil {
					t.Fatal(err)
				}
				return digest(t, o.Out)
			}
			want := trained("cpu")
			if trained("cuda") != want {
				t.Error("training on a GPU's kernels writes other files")
			}
		})
	}
}
