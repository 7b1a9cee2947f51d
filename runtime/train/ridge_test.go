package train

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// taught is testdata/teaching.json: what scikit-learn and PyTorch say (testdata/teaching.py).
type taught struct {
	Ridge []struct {
		Name    string
		X, Y    [][]float64
		Picture []int
		Targets []struct {
			Penalty, Left, Bias float64
			Weight              []float64
		}
	}
	Rank struct {
		Outputs, Wanted, Grads [][]float32
		Present                [][]bool
		Low, High              []float32
		Loss, Beyond           float64
	}
}

func readTaught(t *testing.T) (out taught) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "teaching.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil || len(out.Ridge) == 0 || len(out.Rank.Outputs) == 0 {
		t.Fatalf("teaching.json: %v", err)
	}
	return out
}

func engine(t *testing.T, threads int) *kernels.Engine {
	t.Helper()
	e, err := kernels.New(kernels.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// TestRidge holds the fit, the penalty that is chosen and the error over pictures left out to scikit-learn's, which fits
// anew without each picture: of one record each, of three raters each, and of different numbers.
func TestRidge(t *testing.T) {
	e := engine(t, 2)
	close := func(got, want, scale float64) bool { return math.Abs(got-want) <= 1e-6*max(math.Abs(want), scale) }
	for _, c := range readTaught(t).Ridge {
		found, err := fitRidge(e, c.X, c.Y, c.Picture)
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range c.Targets {
			f := found[n]
			if !close(f.penalty, want.Penalty, 0) || !close(f.left, want.Left, 0) {
				t.Errorf("%s, target %d: penalty %v and error %v, want %v and %v", c.Name, n, f.penalty, f.left, want.Penalty, want.Left)
				continue
			}
			scale := slices.Max(want.Weight)
			for k := range want.Weight {
				if !close(f.weight[k], want.Weight[k], scale) {
					t.Errorf("%s, target %d: weight %d is %v, want %v", c.Name, n, k, f.weight[k], want.Weight[k])
				}
			}
			if !close(f.bias, want.Bias, scale) {
				t.Errorf("%s, target %d: the intercept is %v, want %v", c.Name, n, f.bias, want.Bias)
			}
		}
	}
}

// regression is a made-up problem: n pictures of d features, two targets that follow from them, with noise.
func regression(n, d int, seed uint64) (x, y [][]float64, picture []int) {
	r := rand.New(rand.NewPCG(uint64(n), seed))
	w := make([][]float64, d)
	for k := range w {
		w[k] = []float64{r.NormFloat64(), r.NormFloat64()}
	}
	for i := range n {
		row, out := make([]float64, d), []float64{3, -1}
		for k := range row {
			row[k] = 5 + r.NormFloat64()
			out[0] += row[k] * w[k][0]
			out[1] += row[k] * w[k][1]
		}
		out[0] += 0.3 * r.NormFloat64()
		out[1] += 0.3 * r.NormFloat64()
		x, y, picture = append(x, row), append(y, out), append(picture, i)
	}
	return x, y, picture
}

// TestRidgeLaws: to say a record again changes nothing; the units and the place of a target move its own results alone, and
// another target's by no bit.
func TestRidgeLaws(t *testing.T) {
	e := engine(t, 2)
	for seed := range uint64(6) {
		for _, size := range [][2]int{{30, 4}, {12, 25}} {
			x, y, picture := regression(size[0], size[1], seed)
			once, err := fitRidge(e, x, y, picture)
			if err != nil {
				t.Fatal(err)
			}
			again := func(i int) {
				x, y, picture = append(x, x[i]), append(y, y[i]), append(picture, i)
			}
			again(3)
			again(3)
			again(7)
			more, err := fitRidge(e, x, y, picture)
			if err != nil {
				t.Fatal(err)
			}
			x, y, picture = x[:size[0]], y[:size[0]], picture[:size[0]]
			for n := range once {
				if a, b := once[n], more[n]; math.Abs(a.left-b.left) > 1e-8*a.left || a.penalty/b.penalty-1 > 1e-12 || math.Abs(a.bias-b.bias) > 1e-6*max(1, math.Abs(a.bias)) {
					t.Errorf("%v: with records repeated the error of target %d is %v with penalty %v, without %v with %v", size, n, b.left, b.penalty, a.left, a.penalty)
				}
			}
			var other [][]float64
			for _, row := range y {
				other = append(other, []float64{1024 * row[1], row[0]})
			}
			turned, err := fitRidge(e, x, other, picture)
			if err != nil {
				t.Fatal(err)
			}
			if turned[1].left != once[0].left || turned[1].bias != once[0].bias || !slices.Equal(turned[1].weight, once[0].weight) {
				t.Errorf("%v: beside a target in other units, and in another place, a target is fitted otherwise", size)
			}
			if turned[0].left != 1024*1024*once[1].left || turned[0].bias != 1024*once[1].bias || turned[0].penalty != once[1].penalty {
				t.Errorf("%v: a target times 1024 has the error %v and penalty %v, want %v and %v", size, turned[0].left, turned[0].penalty, 1024*1024*once[1].left, once[1].penalty)
			}
		}
	}
}

// TestRidgeSameBits: one thread and many give the same fit.
func TestRidgeSameBits(t *testing.T) {
	x, y, picture := regression(40, 30, 1)
	for i := range picture {
		picture[i] /= 2
	}
	a, err := fitRidge(engine(t, 1), x, y, picture)
	if err != nil {
		t.Fatal(err)
	}
	b, err := fitRidge(engine(t, 4), x, y, picture)
	if err != nil {
		t.Fatal(err)
	}
	for n := range a {
		if a[n].left != b[n].left || a[n].bias != b[n].bias || !slices.Equal(a[n].weight, b[n].weight) {
			t.Errorf("target %d differs", n)
		}
	}
}

func TestRidgeOfNothing(t *testing.T) {
	e := engine(t, 1)
	for name, c := range map[string]struct {
		x       [][]float64
		picture []int
	}{
		"two records":               {[][]float64{{1}, {2}}, []int{0, 1}},
		"two pictures, four times":  {[][]float64{{1}, {2}, {1}, {2}}, []int{0, 1, 0, 1}},
		"features all the same":     {[][]float64{{1}, {1}, {1}}, []int{0, 1, 2}},
		"features that are not one": {[][]float64{{1}, {math.NaN()}, {1}}, []int{0, 1, 2}},
	} {
		var y [][]float64
		for i := range c.x {
			y = append(y, []float64{float64(i)})
		}
		if _, err := fitRidge(e, c.x, y, c.picture); err == nil {
			t.Errorf("fitted to %s", name)
		}
	}
}

// TestPairwise holds the pairwise loss and its gradient to PyTorch's.
func TestPairwise(t *testing.T) {
	want := readTaught(t).Rank
	got := pairwise(want.Outputs, want.Wanted, want.Present, bounds{want.Low, want.High})
	if math.Abs(got.loss+got.beyond-want.Loss) > 1e-6 || math.Abs(got.beyond-want.Beyond) > 1e-6 {
		t.Errorf("the loss is %v and %v, want %v in all and %v of it", got.loss, got.beyond, want.Loss, want.Beyond)
	}
	for i := range want.Grads {
		for n, g := range want.Grads[i] {
			if math.Abs(float64(g-got.grads[i][n])) > 1e-6 {
				t.Errorf("record %d, target %d: the gradient is %v, want %v", i, n, got.grads[i][n], g)
			}
		}
	}
	if none := pairwise(want.Outputs[:2], [][]float32{{1, 1, 1}, {1, 1, 1}}, want.Present, bounds{want.Low, want.High}); none.loss != 0 || none.pairs || none.grads[0][0] != 0 {
		t.Errorf("equal records are in an order: %+v", none)
	}
}
