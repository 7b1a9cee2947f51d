//go:build cuda && linux && cgo

package loupe

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// thin is the 2B's shape with a few of its layers.
func thin() *weights.Config {
	c := shapes["2b"]
	c.Text.NumHiddenLayers, c.Text.VocabSize, c.Vision.Depth = 3, 32000, 3
	return &c
}

// pictured is a prompt of text around a picture of (side, side) patches.
func pictured(t *testing.T, cfg *weights.Config, side, text int) *Prompt {
	t.Helper()
	grid, merge := vit.Grid{1, side, side}, cfg.Vision.SpatialMergeSize
	pixels := make([]float32, side*side*cfg.Vision.PatchDim())
	for i := range pixels {
		pixels[i] = float32(i*7919%1009)/504.5 - 1
	}
	v := &Vision{Pixels: tensor.Of(side*side, cfg.Vision.PatchDim(), pixels), Grids: []vit.Grid{grid}}
	p := &Prompt{Images: v}
	rows := side * side / (merge * merge)
	for i := range text + rows {
		if i >= text/2 && i < text/2+rows {
			v.At = append(v.At, i)
		}
		p.IDs = append(p.IDs, (i*7919+3)%cfg.Text.VocabSize)
	}
	var err error
	if p.Positions, p.RopeDelta, err = decoder.RopeIndex(len(p.IDs), []decoder.Placeholder{{Start: text / 2, Grid: grid}}, merge); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFakeGPURandom: a model whose random weights a GPU made in its own memory answers, to the bit, as the one whose weights the processor
// made: every logit after a prompt with a picture and of the tokens after it, in each precision. On a GPU the model is as wide as the 2B.
func TestFakeGPURandom(t *testing.T) {
	cudatest.Driver(t, filepath.Join("..", "kernels", "cuda"))
	cfg, side, text, tokens := tiny(), 4, 7, 3
	cfg.Text.MaxPositionEmbeddings = 64
	if _, fake := cudatest.Library(); !fake {
		cfg, side, text, tokens = thin(), 16, 60, 64
	}
	for _, precision := range Precisions {
		if precision == "bf16-mma" { // whose bits are a GPU's own
			continue
		}
		if _, fake := cudatest.Library(); fake && precision != "int4" && os.Getenv("LOUPE_LONG") != "1" {
			t.Logf("set LOUPE_LONG=1 for %s on the fake driver", precision)
			continue
		}
		t.Run(precision, func(t *testing.T) {
			answered := func(device string) string {
				m, err := synthetic("thin", cfg, Options{Precision: precision, Device: device})
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				a, err := m.Answer(t.Context(), pictured(t, cfg, side, text), Generation{MaxTokens: tokens + 1, IgnoreEOS: true})
				if err != nil {
					t.Fatal(err)
				}
				for range tokens {
					if _, err := a.Next(); err != nil {
						t.Fatal(err)
					}
					if err := m.Step(t.Context(), []*Sequence{a.Sequence}); err != nil || a.Err() != nil {
						t.Fatal(err, a.Err())
					}
				}
				return a.LogitsDigest()
			}
			if want, got := answered("cpu"), answered("cuda"); got != want {
				t.Errorf("logits have the digest %s on the GPU and %s on the processor", got, want)
			}
		})
	}
}
