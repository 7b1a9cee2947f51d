package attribution

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/internal/golden"
)

// TestGoldenContributions compares with score_contribution of the whole fixtures, made by their own script with their own heads.
func TestGoldenContributions(t *testing.T) {
	shared := golden.Shared(t)
	for _, name := range []string{"a", "b"} {
		dir := filepath.Join(shared, "golden", name)
		t.Run(name, func(t *testing.T) {
			head := goldenHead(t, dir)
			m, err := loupe.Load(filepath.Join(dir, "model"), loupe.Options{Head: head})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			p := golden.Asked(t, m, shared, dir)
			got, err := Compute(context.Background(), m, p, Contribution, Options{})
			if err != nil {
				t.Fatal(err)
			}
			addsUp(t, got)
			want := golden.ReadReference(t, filepath.Join(dir, "inside", "image.safetensors"))
			golden.Compare(t, "score", []float64{got.Sum.Total}, widened(want["score"].F32()), 2e-6)
			golden.Compare(t, "score_contribution", got.All(), widened(want["score_contribution"].F32()), 2e-4)
		})
	}
}

// goldenHead writes score_head.json beside a copy of the fixture's head.
func goldenHead(t *testing.T, dir string) string {
	var records struct{ Target struct{ Mean, Std float64 } }
	data, err := os.ReadFile(filepath.Join(dir, "train", "records.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &records); err != nil {
		t.Fatal(err)
	}
	head := t.TempDir()
	config := fmt.Sprintf(`{"version": 1, "input": "visual.merger", "pool": "mean", "hidden": [], "targets": [{"name": "score", "mean": %v, "std": %v, "min": 1, "max": 100}]}`, records.Target.Mean, records.Target.Std)
	weights, err := os.ReadFile(filepath.Join(dir, "train", "score_head.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"score_head.json": []byte(config), "score_head.safetensors": weights} {
		if err := os.WriteFile(filepath.Join(head, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return head
}

func widened(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
