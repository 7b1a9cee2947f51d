package lens

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/weights/reftest"
)

// TestGoldenLens compares with the logit lens of the whole fixtures, at the last four positions of every layer.
func TestGoldenLens(t *testing.T) {
	shared := fixture.Shared(t)
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(shared, "golden", name)
			m, err := loupe.Load(filepath.Join(dir, "model"), loupe.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			p := fixture.Asked(t, m, shared, dir)
			vocab := m.Config.Text.VocabSize
			got, err := Logit(context.Background(), m, p, LogitOptions{Positions: []int{-4, -3, -2, -1}, Top: vocab})
			if err != nil {
				t.Fatal(err)
			}
			want := fixture.ReadReference(t, filepath.Join(dir, "inside", "image.safetensors"))
			for l := range m.Config.Text.NumHiddenLayers {
				name := fmt.Sprintf("lens model.layers.%d.out", l)
				reference := want[name].F32()
				x, y := make([]float64, 4*vocab), make([]float64, 4*vocab)
				for i, row := range got.Rows {
					for _, w := range row.Layers[l+1].Words {
						x[i*vocab+w.ID] = w.Value
					}
				}
				for i, v := range reference {
					y[i] = float64(v)
				}
				reftest.Compare(t, name, x, y, 2e-4)
			}
		})
	}
}
