package vit

import (
	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/tensor"
)

// rotary is the 2-D rotary embedding: the first half of a head's angles turns with the patch's row, the second with its
// column. Patches come in the order of the model, a merge x merge block at a time.
func (t *Tower) rotary(r *tensor.Run, grids []Grid) tensor.Rotary {
	freqs := num.RotaryFrequencies(t.Config.EmbedDim/t.Config.NumHeads/2, t.Config.RopeTheta)
	angles := r.NewHost(Patches(grids), 2*len(freqs))
	i := 0
	for _, g := range grids {
		for _, p := range PatchOrder(g, t.Config.SpatialMergeSize) {
			row := angles.Row(i)
			for j, f := range freqs {
				row[j], row[len(freqs)+j] = float32(p.Row)*f, float32(p.Col)*f
			}
			i++
		}
	}
	return r.NewRotary(angles)
}

// Place is where a patch lies: frame (or pair of frames), row and column of the grid.
type Place struct{ Frame, Row, Col int }

// PatchOrder lists the places of a grid's patches in the order of the model: blocks of merge x merge patches one after
// the other, row by row, and row by row within a block. With merge 1 it is raster order.
func PatchOrder(g Grid, merge int) []Place {
	out := make([]Place, 0, g[0]*g[1]*g[2])
	for f := range g[0] {
		for by := 0; by < g[1]; by += merge {
			for bx := 0; bx < g[2]; bx += merge {
				for y := by; y < by+merge; y++ {
					for x := bx; x < bx+merge; x++ {
						out = append(out, Place{f, y, x})
					}
				}
			}
		}
	}
	return out
}
