//go:build cuda && linux && cgo

package train_test

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
)

// mmaTraining: branches learn beside weights that tensor cores multiply: the same files each time, losses close to bf16's, and a run of one
// architecture is not gone on with on another.
func mmaTraining(t *testing.T, dir string) {
	const steps = 2
	run := func(o train.Options, load loupe.Options) (losses []float64, err error) {
		load.Threads = 2
		err = runWith(context.Background(), t, o, load, func(p train.Progress) {
			if p.Last != nil {
				losses = append(losses, p.Last.Loss)
			}
		})
		return losses, err
	}
	mma := loupe.Options{Precision: "bf16-mma", Device: "cuda"}
	trained := func(load loupe.Options) (train.Options, []float64) {
		o := options(t, dir)
		o.Steps, o.CheckpointEvery = steps, steps
		losses, err := run(o, load)
		if err != nil || len(losses) != steps {
			t.Fatal(losses, err)
		}
		return o, losses
	}
	first, got := trained(mma)
	_, want := trained(loupe.Options{Precision: "bf16"})
	for i := range want {
		if !(math.Abs(got[i]-want[i]) < 1e-3*want[i]) {
			t.Errorf("the loss of step %d is %v, by bf16 %v", i+1, got[i], want[i])
		}
	}
	if os.Getenv("LOUPE_LONG") != "1" {
		t.Log("set LOUPE_LONG=1 to compare two runs")
	} else if again, _ := trained(mma); digest(t, first.Out) != digest(t, again.Out) {
		t.Error("two runs write other files")
	}
	if _, fake := cudatest.Library(); !fake {
		return
	}
	t.Run("resume", func(t *testing.T) {
		cudatest.FakeOnly(t)
		t.Setenv("CUDASIM_ARCH", "80")
		o := first
		o.Resume, o.Steps = true, steps+1
		if _, err := run(o, mma); err == nil || !strings.Contains(err.Error(), "bf16-mma on sm_90") || !strings.Contains(err.Error(), "bf16-mma on sm_80") {
			t.Errorf("on another architecture: %v", err)
		}
	})
}
