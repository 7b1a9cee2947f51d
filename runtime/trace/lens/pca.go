package lens

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// PCA is the first three principal components of the rows of a tap.
type PCA struct {
	Tap string `json:"tap"`
	// Rows are the coordinates of each row, (rows, 3), about their mean. The sign of a component is free: the largest of its
	// loadings is positive.
	Rows  [][3]float64 `json:"rows"`
	Share [3]float64   `json:"share"` // of the variance that each component has
}

// Components computes the PCA of a tap: over patches or merged tokens in the vision tower, over picture tokens in the
// decoder.
func Components(ctx context.Context, m *loupe.Model, p *loupe.Prompt, tap string) (*PCA, error) {
	x, err := pictureRows(ctx, m, p, tap)
	if err != nil {
		return nil, err
	}
	if x.Rows < 4 || x.Cols < 3 {
		return nil, fmt.Errorf("principal components of %s: it has %d rows of %d columns; at least 4 of 3 are needed", tap, x.Rows, x.Cols)
	}
	out := &PCA{Tap: tap}
	return out, out.find(x)
}

func (c *PCA) find(x tensor.Tensor) error {
	data := mat.NewDense(x.Rows, x.Cols, nil)
	means := make([]float64, x.Cols)
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			data.Set(i, j, float64(v))
			means[j] += float64(v) / float64(x.Rows)
		}
	}
	var pc stat.PC
	if !pc.PrincipalComponents(data, nil) {
		return fmt.Errorf("principal components of %s: the decomposition did not converge", c.Tap)
	}
	var vectors mat.Dense
	pc.VectorsTo(&vectors)
	total := 0.0
	variances := pc.VarsTo(nil)
	for _, v := range variances {
		total += v
	}
	if !(total > 0) {
		return fmt.Errorf("the %d rows of %s are all alike, so that they have no principal components", x.Rows, c.Tap)
	}
	c.Rows = make([][3]float64, x.Rows)
	for k := range 3 {
		c.Share[k] = variances[k] / total
		axis := mat.Col(nil, k, &vectors)
		sign := signOfLargest(axis)
		for i := range x.Rows {
			for j, v := range x.Row(i) {
				c.Rows[i][k] += sign * axis[j] * (float64(v) - means[j])
			}
		}
	}
	return nil
}

// signOfLargest is the sign of the number of largest magnitude.
func signOfLargest(x []float64) float64 {
	best := 0.0
	for _, v := range x {
		if math.Abs(v) > math.Abs(best) {
			best = v
		}
	}
	return math.Copysign(1, best)
}

// pictureRows are a tap's rows of pictures: rows of the tower, images before videos, or picture tokens of the decoder.
func pictureRows(ctx context.Context, m *loupe.Model, p *loupe.Prompt, tap string) (tensor.Tensor, error) {
	got, err := readRows(ctx, m, p, tap)
	if err != nil {
		return tensor.Tensor{}, err
	}
	if len(got) != 1 {
		return tensor.Tensor{}, fmt.Errorf("%q names %d taps, the first of which are %s and %s; principal components are of one", tap, len(got), got[0].tap, got[1].tap)
	}
	return got[0].rows, nil
}
