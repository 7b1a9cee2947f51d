package tensor

import (
	"math"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// The backward of every operation is held to central differences in float64: of a twin that computes the same in float64,
// since differences in float32 would drown in rounding. The twin is held to the operation itself first.

// differenceStep is h of (f(x+h) - f(x-h)) / 2h: its error is about h² of the third derivative and 1e-16/h of f, both below
// 1e-9 for inputs about 1.
const differenceStep = 1e-5

// Bounds of one operation, as parts of the largest number of a tensor: float32 rounds to 6e-8, and a sum of a few dozen
// terms, or a function that is a polynomial there, to some ten of that.
const (
	valueBound    = 2e-6
	gradientBound = 5e-6
)

// gradientCase is one case: an operation on inputs that all learn, and the same in float64.
type gradientCase struct {
	name   string
	inputs [][2]int // rows and columns of each
	run    func(r *Run, in []Tensor) Tensor
	twin   func(in []matrix) matrix
	// bound is gradientBound where it is 0.
	bound float64
}

// matrix is a float64 tensor.
type matrix struct {
	rows, cols int
	data       []float64
}

func newMatrix(rows, cols int) matrix { return matrix{rows, cols, make([]float64, rows*cols)} }

func (m matrix) at(r, c int) float64     { return m.data[r*m.cols+c] }
func (m matrix) set(r, c int, v float64) { m.data[r*m.cols+c] = v }
func (m matrix) row(r int) []float64     { return m.data[r*m.cols : (r+1)*m.cols] }

// toMatrix widens a tensor.
func toMatrix(t Tensor) matrix {
	m := newMatrix(t.Rows, t.Cols)
	for r := range t.Rows {
		for c, v := range t.Row(r) {
			m.set(r, c, float64(v))
		}
	}
	return m
}

// TestGradients goes through all operations. What is differentiated is the sum of the result's numbers, each times a weight
// of its own.
func TestGradients(t *testing.T) {
	for _, op := range gradientCases() {
		t.Run(op.name, func(t *testing.T) {
			s := newSource(77)
			var in []Tensor
			var wide []matrix
			for _, shape := range op.inputs {
				x := s.tensor(shape[0], shape[1])
				x.Grad = kernels.HostBuffer(make([]float32, x.Data.Len()))
				in = append(in, x)
				wide = append(wide, toMatrix(x))
			}
			result := op.twin(wide)
			weights := s.floats(len(result.data))

			r := newRun(t, nil)
			r.DropoutSeed = 5
			r.Record(&Tape{})
			out := op.run(r, in)
			if out.Rows != result.rows || out.Cols != result.cols {
				t.Fatalf("the result is (%d, %d), its twin's (%d, %d)", out.Rows, out.Cols, result.rows, result.cols)
			}
			near(t, "the result", out.Clone().Data.Host(), result.data, valueBound)
			for i := range out.Rows {
				copy(out.GradRow(i), weights[i*out.Cols:])
			}
			r.Backward()
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			bound := op.bound
			if bound == 0 {
				bound = gradientBound
			}
			for i, x := range in {
				near(t, "the gradient of input "+string(rune('0'+i)), x.Grad.Host(), differences(op.twin, wide, i, weights), bound)
			}
		})
	}
}

// differences is the gradient of the weighted sum of f's result by input i.
func differences(f func([]matrix) matrix, in []matrix, i int, weights []float32) []float64 {
	loss := func() float64 {
		sum := 0.0
		for j, v := range f(in).data {
			sum += float64(weights[j]) * v
		}
		return sum
	}
	out := make([]float64, len(in[i].data))
	for j, x := range in[i].data {
		in[i].data[j] = x + differenceStep
		up := loss()
		in[i].data[j] = x - differenceStep
		out[j] = (up - loss()) / (2 * differenceStep)
		in[i].data[j] = x
	}
	return out
}

// elementwise is a twin that applies f to each number.
func elementwise(f func(x float64) float64) func([]matrix) matrix {
	return func(in []matrix) matrix {
		out := newMatrix(in[0].rows, in[0].cols)
		for i, x := range in[0].data {
			out.data[i] = f(x)
		}
		return out
	}
}

func sigmoid64(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// norm64 is LayerNorm, or RMSNorm where bias is nil, as their papers write them.
func norm64(x matrix, weight, bias []float64, eps float64) matrix {
	out := newMatrix(x.rows, x.cols)
	n := float64(x.cols)
	for r := range x.rows {
		mean, square := 0.0, 0.0
		for _, v := range x.row(r) {
			mean += v / n
		}
		if bias == nil {
			mean = 0
		}
		for _, v := range x.row(r) {
			square += (v - mean) * (v - mean) / n
		}
		for c, v := range x.row(r) {
			y := (v - mean) / math.Sqrt(square+eps) * weight[c]
			if bias != nil {
				y += bias[c]
			}
			out.set(r, c, y)
		}
	}
	return out
}

// linear64 is x Wᵀ, plus the bias where there is one.
func linear64(x, w matrix, bias []float64) matrix {
	out := newMatrix(x.rows, w.rows)
	for r := range x.rows {
		for c := range w.rows {
			sum := 0.0
			for k, v := range x.row(r) {
				sum += v * w.at(c, k)
			}
			if bias != nil {
				sum += bias[c]
			}
			out.set(r, c, sum)
		}
	}
	return out
}

// attention64 is softmax(q kᵀ / sqrt(d)) v for each head; row i of q sees keys [0, seen(i)).
func attention64(q, k, v matrix, heads, kvHeads int, seen func(row int) int) matrix {
	out := newMatrix(q.rows, q.cols)
	d := q.cols / heads
	for h := range heads {
		from := h / (heads / kvHeads) * d
		for i := range q.rows {
			p, sum := make([]float64, seen(i)), 0.0
			for j := range p {
				dot := 0.0
				for c := range d {
					dot += q.at(i, h*d+c) * k.at(j, from+c)
				}
				p[j] = math.Exp(dot / math.Sqrt(float64(d)))
				sum += p[j]
			}
			for c := range d {
				y := 0.0
				for j := range p {
					y += p[j] / sum * v.at(j, from+c)
				}
				out.set(i, h*d+c, y)
			}
		}
	}
	return out
}

// linearOf is a Linear whose weights are inputs of an operation; bias may be empty.
func linearOf(w, bias Tensor) *Linear {
	l := &Linear{Name: "map", W: w.matrix(), WGrad: w.Grad}
	if !bias.Data.None() {
		l.Bias, l.BiasGrad = bias.Data, bias.Grad
	}
	return l
}

// loraOf puts a branch beside it.
func loraOf(l *Linear, a, b Tensor, scale, dropout float32) *Linear {
	l.LoRA = &LoRA{A: a.matrix(), B: b.matrix(), Scale: scale, Dropout: dropout, AGrad: a.Grad, BGrad: b.Grad}
	return l
}

// tableOf is an input as a table of embeddings.
func tableOf(t Tensor) kernels.Placed { return t.matrix() }
