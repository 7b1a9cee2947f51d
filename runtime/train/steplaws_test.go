package train_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/weights"
)

// TestStepLaws: in training by steps too, a column of missing values, other threads and batches of the same steps change no bit
// of what is learned, and a target that is renamed and in other units learns what it learned, up to rounding.
func TestStepLaws(t *testing.T) {
	records := scored(t, 4)
	r := rand.New(rand.NewPCG(8, 9))
	for i := range records {
		records[i]["targets"] = map[string]any{"depth": math.Round(1 + 98*r.Float64())}
	}
	learned := func(records []map[string]any, threads int, change func(*train.Options)) string {
		o := options(t, painted(t, 1))
		o.Data, o.Steps, o.Epochs, o.Batch, o.Shuffle, o.LR, o.Clip, o.Decay = data(t, records), 2, 0, 4, false, 1e-2, 0, 0
		if change != nil {
			change(&o)
		}
		m, err := loupe.Load(tiny, loupe.Options{MaxPixels: 56 * 56, Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if _, err := train.Run(context.Background(), m, o, func(train.Progress) {}); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(o.Out, weights.ScoreHeadWeightsName)
	}
	target := func(path string, n int) []float32 { return row(t, path, "score_head.weight", n) }
	plain := learned(records, 0, nil)
	var missing, renamed []map[string]any
	for _, rec := range records {
		depth := rec["targets"].(map[string]any)["depth"].(float64)
		missing = append(missing, map[string]any{"image": rec["image"], "score": rec["score"], "targets": map[string]any{"depth": depth, "ghost": nil}})
		renamed = append(renamed, map[string]any{"image": rec["image"], "score": rec["score"], "targets": map[string]any{"across": 1000 * depth}})
	}
	for name, path := range map[string]string{
		"a column of missing values": learned(missing, 0, nil),
		"one thread":                 learned(records, 1, nil),
		"batches of two":             learned(records, 0, func(o *train.Options) { o.Batch, o.Accumulate = 2, 2 }),
	} {
		for n := range 2 {
			if got, want := fmt.Sprint(target(path, n)), fmt.Sprint(target(plain, n)); got != want {
				t.Errorf("%s changes what target %d learned", name, n)
			}
		}
	}
	other, most := learned(renamed, 0, nil), 0.0
	for n := range 2 {
		want, got := target(plain, n), target(other, n)
		for i := range want {
			most = max(most, math.Abs(float64(want[i])))
			if d := math.Abs(float64(got[i] - want[i])); d > 1e-6 {
				t.Fatalf("target %d, renamed and in other units, learned %v at %d, before %v", n, got[i], i, want[i])
			}
		}
	}
	if most == 0 {
		t.Error("nothing was learned: this test could not fail")
	}
}
