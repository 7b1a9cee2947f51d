package train

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"gonum.org/v1/gonum/mat"
)

// regression is a made-up problem: n records of d features, two targets that follow from them, with noise.
func regression(n, d int) (x, y [][]float64) {
	r := rand.New(rand.NewPCG(uint64(n), uint64(d)))
	w := make([][]float64, d)
	for k := range w {
		w[k] = []float64{r.NormFloat64(), r.NormFloat64()}
	}
	for range n {
		row, out := make([]float64, d), []float64{3, -1}
		for k := range row {
			row[k] = 5 + r.NormFloat64()
			out[0] += row[k] * w[k][0]
			out[1] += row[k] * w[k][1]
		}
		out[0] += 0.3 * r.NormFloat64()
		out[1] += 0.3 * r.NormFloat64()
		x, y = append(x, row), append(y, out)
	}
	return x, y
}

// direct is ridge regression with an intercept by gonum, from the normal equations: the weights and the intercept.
func direct(x, y [][]float64, target int, penalty float64) ([]float64, float64) {
	n, d := len(x), len(x[0])
	xs, means := centred(x)
	ys, offsets := centred(y)
	a, b := mat.NewSymDense(d, nil), mat.NewVecDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			sum := 0.0
			for k := range n {
				sum += xs[k][i] * xs[k][j]
			}
			if i == j {
				sum += penalty
			}
			a.SetSym(i, j, sum)
		}
		for k := range n {
			b.SetVec(i, b.AtVec(i)+xs[k][i]*ys[k][target])
		}
	}
	var w mat.VecDense
	if err := w.SolveVec(a, b); err != nil {
		panic(err)
	}
	bias := offsets[target]
	for i, m := range means {
		bias -= w.AtVec(i) * m
	}
	return w.RawVector().Data, bias
}

// TestRidge holds the fit to gonum's solution of the normal equations, with more records than features and with fewer, and
// its error over records left out to fits without them, one after the other.
func TestRidge(t *testing.T) {
	e, err := kernels.New(kernels.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, size := range [][2]int{{40, 7}, {12, 30}, {3, 2}, {9, 9}} {
		x, y := regression(size[0], size[1])
		f, err := fitRidge(e, x, y)
		if err != nil {
			t.Fatal(err)
		}
		for target := range 2 {
			w, bias := direct(x, y, target, f.penalty)
			for k, v := range w {
				if math.Abs(v-f.weight[target][k]) > 1e-7*(1+math.Abs(v)) {
					t.Errorf("%v: weight %d of target %d is %v, want %v", size, k, target, f.weight[target][k], v)
				}
			}
			if math.Abs(bias-f.bias[target]) > 1e-6*(1+math.Abs(bias)) {
				t.Errorf("%v: the intercept of target %d is %v, want %v", size, target, f.bias[target], bias)
			}
		}
		if size[0] < 9 {
			continue // without one of three records the centre moves far: the shortcut is exact for a fixed penalty and a free mean alone
		}
		left := 0.0
		for i := range x {
			rest := func(of [][]float64) [][]float64 { return append(append([][]float64(nil), of[:i]...), of[i+1:]...) }
			w, bias := direct(rest(x), rest(y), 0, f.penalty)
			d := y[i][0] - bias
			for k, v := range x[i] {
				d -= w[k] * v
			}
			left += d * d / float64(len(x))
		}
		if math.Abs(left-f.left[0]) > 1e-5*left {
			t.Errorf("%v: the error over records left out is %v, want %v", size, f.left[0], left)
		}
	}
}

func TestRidgeOfNothing(t *testing.T) {
	e, err := kernels.New(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := fitRidge(e, [][]float64{{1}, {2}}, [][]float64{{1}, {2}}); err == nil {
		t.Error("fitted to two records")
	}
	if _, err := fitRidge(e, [][]float64{{1}, {1}, {1}}, [][]float64{{1}, {2}, {3}}); err == nil {
		t.Error("fitted to features that are all the same")
	}
	if _, err := fitRidge(e, [][]float64{{1}, {math.NaN()}, {1}}, [][]float64{{1}, {2}, {3}}); err == nil {
		t.Error("fitted to features that are not finite")
	}
}

// TestPairwise holds the gradient of the pairwise loss to central differences of its value; what is not there makes no pair.
func TestPairwise(t *testing.T) {
	outputs := [][]float32{{0.3, 1}, {-0.7, 2}, {1.1, -3}, {0.25, 0.5}}
	wanted := [][]float32{{1, 2}, {2, 2}, {-1, 0}, {0, 9}}
	present := [][]bool{{true, true}, {true, true}, {true, false}, {true, true}}
	got := pairwise(outputs, wanted, present)
	const h = 1.0 / 1024 // exact in float32 beside these outputs
	for i := range outputs {
		for t2 := range outputs[i] {
			v := outputs[i][t2]
			outputs[i][t2] = v + h
			up := pairwise(outputs, wanted, present).loss
			outputs[i][t2] = v - h
			down := pairwise(outputs, wanted, present).loss
			outputs[i][t2] = v
			if want := (up - down) / (2 * h); math.Abs(want-float64(got.grads[i][t2])) > 1e-6 {
				t.Errorf("record %d, target %d: the gradient is %v, want %v", i, t2, got.grads[i][t2], want)
			}
		}
	}
	if got.grads[2][1] != 0 {
		t.Error("a target that is not there has a gradient")
	}
	if none := pairwise(outputs[:2], [][]float32{{1, 1}, {1, 1}}, present); none.loss != 0 || none.grads[0][0] != 0 {
		t.Errorf("equal records are in an order: %+v", none)
	}
}
