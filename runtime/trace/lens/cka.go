package lens

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

// Similarity is how similar taps are, by linear centered kernel alignment (Kornblith and others, "Similarity of Neural
// Network Representations Revisited", arXiv 1905.00414). 1 means equal up to a rotation and a scale.
type Similarity struct {
	Rows    []string    `json:"rows"`    // taps of the first model
	Columns []string    `json:"columns"` // taps of the second
	Values  [][]float64 `json:"values"`
}

// CKA compares the taps of model a with those of model b, over the rows of a picture or text that both models read. Taps
// are the residual stream after each layer of the decoder, or with tower after each block of the vision tower; the models
// may differ in their number. To compare the layers of one model, pass it twice. To compare an adapter with its base, pass
// the model loaded with and without it.
//
// With centered X and Y it is |YᵀX|² / (|XᵀX| |YᵀY|) in the Frobenius norm. The products run in float32, the norms in float64.
func CKA(ctx context.Context, a *loupe.Model, pa *loupe.Prompt, b *loupe.Model, pb *loupe.Prompt, tower bool) (*Similarity, error) {
	if err := sameRows(a, pa, b, pb); err != nil {
		return nil, err
	}
	x, err := centeredRows(ctx, a, pa, LayerTaps(a, tower))
	if err != nil {
		return nil, err
	}
	y := x
	if a != b || pa != pb {
		if y, err = centeredRows(ctx, b, pb, LayerTaps(b, tower)); err != nil {
			return nil, err
		}
	}
	out := &Similarity{}
	xx, err := selfNorms(a, x)
	if err != nil {
		return nil, err
	}
	yy, err := selfNorms(b, y)
	if err != nil {
		return nil, err
	}
	for _, r := range y {
		out.Columns = append(out.Columns, r.tap)
	}
	for i, r := range x {
		out.Rows = append(out.Rows, r.tap)
		line := make([]float64, len(y))
		for j, c := range y {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if r.rows.Rows != c.rows.Rows {
				return nil, fmt.Errorf("%s has %d rows and %s %d; compare taps of one tower, over the same picture", r.tap, r.rows.Rows, c.tap, c.rows.Rows)
			}
			both, err := crossNorm(a, r.rows, c.rows)
			if err != nil {
				return nil, err
			}
			line[j] = min(1, both/(math.Sqrt(xx[i])*math.Sqrt(yy[j]))) // rounding may lead past 1
		}
		out.Values = append(out.Values, line)
	}
	return out, nil
}

// sameRows is an error unless row i means the same in both models: the same place of a picture or, without pictures, the
// same token.
func sameRows(a *loupe.Model, pa *loupe.Prompt, b *loupe.Model, pb *loupe.Prompt) error {
	grids := func(p *loupe.Prompt) (out [2][]vit.Grid) {
		for i, v := range []*loupe.Vision{p.Images, p.Videos} {
			if v != nil {
				out[i] = v.Grids
			}
		}
		return out
	}
	ga, gb := grids(pa), grids(pb)
	if !slices.Equal(ga[0], gb[0]) || !slices.Equal(ga[1], gb[1]) {
		return fmt.Errorf("the models see the pictures as other grids of patches, %v and %v, so that their rows are of other places; give both the same with Options.MinPixels and Options.MaxPixels", ga, gb)
	}
	if pa.Images != nil || pa.Videos != nil {
		return nil
	}
	same := len(pa.IDs) == len(pb.IDs)
	for i := 0; same && i < len(pa.IDs); i++ {
		same = a.Tokenizer.DecodeLossy(pa.IDs[i:i+1]) == b.Tokenizer.DecodeLossy(pb.IDs[i:i+1])
	}
	if !same {
		return fmt.Errorf("the models cut the text into other tokens, so that their rows are of other words; compare them over a picture")
	}
	return nil
}

// centeredRows are the rows of taps, minus the mean of each column.
func centeredRows(ctx context.Context, m *loupe.Model, p *loupe.Prompt, globs []string) ([]tapRows, error) {
	taps, err := readRows(ctx, m, p, globs...)
	for _, t := range taps {
		center(t.rows)
	}
	return taps, err
}

// center subtracts the mean from each column.
func center(x tensor.Tensor) {
	means := make([]float64, x.Cols)
	for i := range x.Rows {
		for c, v := range x.Row(i) {
			means[c] += float64(v)
		}
	}
	for i := range x.Rows {
		row := x.Row(i)
		for c := range row {
			row[c] = float32(float64(row[c]) - means[c]/float64(x.Rows))
		}
	}
}

// selfNorms is |XᵀX|² for each tap. A tap whose rows are all equal has 0, and its similarity is not defined.
func selfNorms(m *loupe.Model, taps []tapRows) ([]float64, error) {
	out := make([]float64, len(taps))
	for i, t := range taps {
		var err error
		if out[i], err = crossNorm(m, t.rows, t.rows); err != nil {
			return nil, err
		}
		if !(out[i] > 0) {
			return nil, fmt.Errorf("the %d rows of %s are all alike, so that its likeness to another is not defined; take a picture of several tokens that differ", t.rows.Rows, t.tap)
		}
	}
	return out, nil
}

// crossNorm is |YᵀX|², the sum of the squares of all elements.
func crossNorm(m *loupe.Model, x, y tensor.Tensor) (float64, error) {
	r := m.NewRun(context.Background(), nil)
	out := r.Download(r.MatMul(y, r.AsWeight(x), kernels.TransX)).Floats()
	return dot(out, out), r.Synchronize()
}
