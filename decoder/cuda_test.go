//go:build cuda && linux && cgo

package decoder

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/cuda"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	"github.com/loupe-vl/loupe/weights"
)

// TestBatchOnFakeGPU: by the kernels of a GPU a sequence has, alone and among 31 others, its prompt whole and in chunks, its beginning
// computed or a fork of another's, the logits that it has alone on the processor, to the bit.
func TestBatchOnFakeGPU(t *testing.T) {
	cudatest.Driver(t, filepath.Join("..", "kernels", "cuda"))
	e, err := kernels.New(kernels.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for i, precision := range []string{"exact", "bf16", "int8", "int4"} {
		if i > 0 && os.Getenv("LOUPE_LONG") != "1" {
			t.Log("set LOUPE_LONG=1 for the other precisions")
			break
		}
		t.Run(precision, func(t *testing.T) {
			t.Setenv("CUDASIM_ORDER", []string{"random", "forward", "reverse", "random"}[i])
			gpu, err := cuda.Open(cuda.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer gpu.Close()
			all, own := scripts(32, 1), testModel(t, e, precision)
			own.Pages = NewPagePool(weights.OneDevice(cpu.New(nil)), testConfig, 4)
			for _, s := range all {
				s.alone(own, cpu.New(e))
			}
			m := testModelOn(t, gpu, e, precision)
			m.Pages = NewPagePool(weights.OneDevice(gpu), testConfig, 4)
			for _, s := range all[:2] {
				lone := *s
				lone.want, lone.err = nil, nil
				if lone.alone(m, gpu); lone.err != nil || len(lone.want) != len(s.want) {
					t.Fatalf("alone on the GPU: %v, %d rows of logits, want %d", lone.err, len(lone.want), len(s.want))
				}
				for at, want := range s.want {
					if !slices.EqualFunc(lone.want[at], want, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
						t.Fatalf("alone on the GPU token %d has other logits than on the processor", at)
					}
				}
			}
			b := &runner{m: m, dev: gpu}
			if err := b.run(all); err != nil {
				t.Error(err)
			}
			if b.most < 22 || b.forks == 0 {
				t.Errorf("at most %d sequences run together and %d are forks: the test compares too little", b.most, b.forks)
			}
		})
	}
}
