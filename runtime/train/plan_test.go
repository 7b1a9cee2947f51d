package train_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
)

// TestPlanShape: LoRA of rank 16 on both towers with a picture of 256 tokens fits in 10 GB for the model of 2 billion
// weights and in 40 GB for that of 7, with activations computed again as is the default; what learns follows from the shapes.
func TestPlanShape(t *testing.T) {
	o := train.Options{LoRA: train.LoRAOptions{Rank: 16}, AutoRecompute: true}
	for shape, most := range map[string]int64{"2b": 10e9, "7b": 40e9} {
		p, err := train.PlanShape(context.Background(), shape, o, 256)
		if err != nil {
			t.Fatal(err)
		}
		if p.Peak > most || !p.Recompute || p.Kept < 2*p.Recomputed {
			t.Errorf("%s: %+v", shape, *p)
		}
		if sum := p.Weights + p.Learned + p.Recomputed + p.Program; p.Peak != sum || p.Patches != 1024 || p.Tokens != 420 {
			t.Errorf("%s: %+v, whose parts sum to %d", shape, *p, sum)
		}
	}
	// 28 layers of the decoder and 32 blocks of the vision tower, A and B of each linear map, and the head
	decoder := 28 * 16 * (4*1536 + 2*1536 + 2*256 + 3*(1536+8960)) // q and o; k and v; gate, up and down
	vision := 32 * 16 * (1280 + 3840 + 1280 + 1280 + 2*(1280+5120))
	p, err := train.PlanShape(context.Background(), "2b", o, 256)
	if want := int64(decoder + vision + 1536 + 1); err != nil || p.Parameters != want || p.Learned != 16*want {
		t.Errorf("%d numbers learn, want %d: %v", p.Parameters, want, err)
	}
	o.Full = true
	p, err = train.PlanShape(context.Background(), "2b", o, 256)
	if err != nil || p.Parameters != 2208985600+1536+1 {
		t.Errorf("with train.Options.Full %d numbers learn: %v", p.Parameters, err)
	}
}

// TestPlanRun: the plan of a run reads the data, writes nothing and leaves the model as it was.
func TestPlanRun(t *testing.T) {
	o := options(t, painted(t, 4))
	for _, full := range []bool{false, true} {
		o.Full = full
		m, err := loupe.Load(tiny, loupe.Options{MaxPixels: 56 * 56})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		p, err := train.PlanRun(context.Background(), m, o, func(train.Progress) {})
		if err != nil {
			t.Fatal(err)
		}
		if p.Recompute || p.Patches != 8 || p.Parameters == 0 || p.Kept == 0 {
			t.Errorf("full %v: %+v", full, *p)
		}
		if _, err := os.Stat(o.Out); err == nil {
			t.Error("it made its output")
		}
	}
	o.Data = filepath.Join(t.TempDir(), "none.jsonl")
	m, err := loupe.Load(tiny, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := train.PlanRun(context.Background(), m, o, func(train.Progress) {}); err == nil {
		t.Error("planned without data")
	}
}
