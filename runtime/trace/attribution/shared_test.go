package attribution

import (
	"context"
	"path/filepath"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/weights/reftest"
)

// TestGoldenContributions compares with score_contribution of the whole fixtures, made by their own script with their own heads.
func TestGoldenContributions(t *testing.T) {
	shared := fixture.Shared(t)
	for _, name := range []string{"a", "b"} {
		dir := filepath.Join(shared, "golden", name)
		t.Run(name, func(t *testing.T) {
			head := fixture.Head(t, dir)
			m, err := loupe.Load(filepath.Join(dir, "model"), loupe.Options{Head: head})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			p := fixture.Asked(t, m, shared, dir)
			got, err := Compute(context.Background(), m, p, Contribution, Options{})
			if err != nil {
				t.Fatal(err)
			}
			addsUp(t, got)
			want := fixture.ReadReference(t, filepath.Join(dir, "inside", "image.safetensors"))
			reftest.Compare(t, "score", []float64{got.Sum.Total}, widened(want["score"].F32()), 2e-6)
			reftest.Compare(t, "score_contribution", got.All(), widened(want["score_contribution"].F32()), 2e-4)
		})
	}
}

func widened(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
