package lens

import (
	"context"
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// Similarity is how alike taps are: linear centered kernel alignment (Kornblith and others, "Similarity of Neural Network
// Representations Revisited", arXiv 1905.00414). 1 is alike but for a rotation and a factor.
type Similarity struct {
	Rows    []string    `json:"rows"`    // taps of the first model
	Columns []string    `json:"columns"` // taps of the second
	Values  [][]float64 `json:"values"`
}

// CKA compares the taps of model a with those of model b, over the rows of one picture or text that both read: the residual stream
// after each layer of the decoder, or with tower after each block of the vision tower. The models need not have as many. For the
// layers of one model give it twice; for an adapter and its base, the model loaded with it and without.
//
// With centered X and Y it is |YᵀX|² / (|XᵀX| |YᵀY|) in the Frobenius norm. The products run in float32, the norms in float64.
func CKA(ctx context.Context, a *loupe.Model, pa *loupe.Prompt, b *loupe.Model, pb *loupe.Prompt, tower bool) (*Similarity, error) {
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
			line[j] = crossNorm(a, r.rows, c.rows) / (math.Sqrt(xx[i]) * math.Sqrt(yy[j]))
		}
		out.Values = append(out.Values, line)
	}
	return out, nil
}

// centeredRows are the rows of taps, each column less its mean.
func centeredRows(ctx context.Context, m *loupe.Model, p *loupe.Prompt, globs []string) ([]tapRows, error) {
	taps, err := readRows(ctx, m, p, globs...)
	for _, t := range taps {
		center(t.rows)
	}
	return taps, err
}

// center takes the mean off each column.
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

// selfNorms is |XᵀX|² for each tap. One whose rows are all alike has none, and nothing is like it.
func selfNorms(m *loupe.Model, taps []tapRows) ([]float64, error) {
	out := make([]float64, len(taps))
	for i, t := range taps {
		if out[i] = crossNorm(m, t.rows, t.rows); !(out[i] > 0) {
			return nil, fmt.Errorf("the %d rows of %s are all alike, so that its likeness to another is not defined; take a picture of several tokens that differ", t.rows.Rows, t.tap)
		}
	}
	return out, nil
}

// crossNorm is |YᵀX|², the sum of the squares of all elements.
func crossNorm(m *loupe.Model, x, y tensor.Tensor) float64 {
	out := make([]float32, y.Cols*x.Cols)
	m.Engine().MatMul(kernels.View{Data: out, Rows: y.Cols, Cols: x.Cols, RowStride: x.Cols, ColStride: 1},
		kernels.View{Data: y.Data, Rows: y.Cols, Cols: y.Rows, RowStride: 1, ColStride: y.Stride},
		kernels.Matrix{Kind: kernels.F32, F32: x.Data, Rows: x.Rows, Cols: x.Cols, Stride: x.Stride}, false, false)
	return dot(out, out)
}
