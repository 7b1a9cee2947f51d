package lens

import (
	"context"
	"fmt"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// tapRows is the rows of a tap, over both passes of the tower.
type tapRows struct {
	tap  string
	rows tensor.Tensor
}

// readRows runs the prompt once and returns the rows of the taps that the patterns match, in the order of the computation.
// Taps of the vision tower have all rows, those of images before those of videos. Taps of the decoder have the rows of the
// picture tokens, or all rows without pictures.
func readRows(ctx context.Context, m *loupe.Model, p *loupe.Prompt, globs ...string) ([]tapRows, error) {
	at := picturePositions(p)
	var out []tapRows
	_, err := m.Trace(ctx, p, loupe.TraceOptions{Taps: globs}, func(t loupe.Tap) error {
		name := strings.TrimSuffix(t.Name, "@images")
		if len(t.Shape) != 2 {
			return fmt.Errorf("tap %s has the shape %v; name one of rows and columns", t.Name, t.Shape)
		}
		x := tensor.Of(t.Shape[0], t.Shape[1], t.Data)
		if strings.HasPrefix(name, "model.") && at != nil && x.Rows == len(p.IDs) {
			x = picked(x, at)
		}
		for i := range out {
			if out[i].tap == name { // the pass over videos, after that over images
				out[i].rows = tensor.Of(out[i].rows.Rows+x.Rows, x.Cols, append(out[i].rows.Floats(), x.Floats()...))
				return nil
			}
		}
		out = append(out, tapRows{name, x})
		return nil
	})
	return out, err
}

// LayerTaps are the names of the residual stream after each layer of the decoder, or after each block of the vision tower.
func LayerTaps(m *loupe.Model, tower bool) []string {
	var names []string
	if tower {
		for i := range m.Config.Vision.Depth {
			names = append(names, fmt.Sprintf("visual.blocks.%d.out", i))
		}
		return names
	}
	for i := range m.Config.Text.NumHiddenLayers {
		names = append(names, outName(i))
	}
	return names
}

// picked is some rows of x.
func picked(x tensor.Tensor, at []int) tensor.Tensor {
	out := tensor.Of(len(at), x.Cols, make([]float32, len(at)*x.Cols))
	for i, r := range at {
		copy(out.Row(i), x.Row(r))
	}
	return out
}
