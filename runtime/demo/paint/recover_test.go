package paint_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
)

// ridge fits y from the rows of x (whose last column is 1) with a penalty on all but the last weight, and gives what it
// makes of rows it has not seen.
func ridge(t *testing.T, x *mat.Dense, y []float64, penalty float64, unseen *mat.Dense) []float64 {
	t.Helper()
	_, n := x.Dims()
	var a mat.Dense
	a.Mul(x.T(), x)
	for i := range n - 1 {
		a.Set(i, i, a.At(i, i)+penalty)
	}
	var b, w, out mat.VecDense
	b.MulVec(x.T(), mat.NewVecDense(len(y), y))
	if err := w.SolveVec(&a, &b); err != nil {
		t.Fatal(err)
	}
	out.MulVec(unseen, &w)
	return out.RawVector().Data
}

// design has a row for each picture: its features in units of their deviation over the first 400, and 1.
func design(rows [][]float64) *mat.Dense {
	n := len(rows[0])
	x := mat.NewDense(len(rows), n+1, nil)
	for j := range n {
		col := make([]float64, len(rows))
		for i := range rows {
			col[i] = rows[i][j]
		}
		mean, sd := stat.MeanStdDev(col[:seen], nil)
		for i, v := range col {
			x.Set(i, j, (v-mean)/max(sd, 1e-9))
		}
	}
	for i := range rows {
		x.Set(i, n, 1)
	}
	return x
}

const seen = 400 // pictures that the fit sees; the others test it

// TestDimensionsCanBeSeen: what the truth says of a picture lies in its pixels, so plainly that a linear fit of a few dozen
// measures finds it.
func TestDimensionsCanBeSeen(t *testing.T) {
	pictures := sample()
	rows := make([][]float64, len(pictures))
	for i, p := range pictures {
		rows[i] = features(p)
	}
	x := design(rows)
	_, n := x.Dims()
	fit := x.Slice(0, seen, 0, n).(*mat.Dense)
	unseen := x.Slice(seen, len(pictures), 0, n).(*mat.Dense)
	check := func(name string, least float64, value func(p paint.Painting) float64) {
		y := make([]float64, len(pictures))
		for i, p := range pictures {
			y[i] = value(p)
		}
		got := ridge(t, fit, y[:seen], 2, unseen)
		mae := 0.0
		for i, v := range got {
			mae += math.Abs(v-y[seen+i]) / float64(len(got))
		}
		r := stat.Correlation(got, y[seen:], nil)
		t.Logf("%-12s r = %.3f, mean error %.1f", name, r, mae)
		if !(r > least) {
			t.Errorf("%s: a linear fit of %d features has r = %.3f on pictures it has not seen, want more than %.2f", name, n-1, r, least)
		}
	}
	for k, name := range paint.DimensionNames {
		check(name, 0.75, func(p paint.Painting) float64 { return p.Dimensions.Values()[k] })
	}
	check("score", 0.85, func(p paint.Painting) float64 { return p.Score })
}
