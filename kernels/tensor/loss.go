package tensor

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
)

// NotLearned is the label of a token that no loss is taken of.
const NotLearned = -1

// CrossEntropy is the mean over the rows of logits, (tokens, vocab_size), of -log softmax(row)[label], with rows labelled
// NotLearned left out; 0 without any other. Its gradient, times weight, is added to that of logits.
func (r *Run) CrossEntropy(logits Tensor, labels []int, weight float32) float64 {
	if r.idle() {
		return 0
	}
	learned := 0
	for i, label := range labels {
		if label != NotLearned {
			learned++
			if label < 0 || label >= logits.Cols {
				r.Fail(fmt.Errorf("label %d of token %d is not in the vocabulary of %d", label, i, logits.Cols))
				return 0
			}
		}
	}
	if len(labels) != logits.Rows || learned == 0 {
		if len(labels) != logits.Rows {
			r.Fail(fmt.Errorf("%d labels for %d rows of logits", len(labels), logits.Rows))
		}
		return 0
	}
	// Each row's loss first, and their sum in order.
	losses := make([]float64, logits.Rows)
	probs := r.New(logits.Rows, logits.Cols)
	r.rows(logits.Rows, 8*logits.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if labels[i] != NotLearned {
				losses[i] = kernels.CrossEntropy(r.eng, probs.Row(i), logits.Row(i), labels[i])
			}
		}
	})
	sum := 0.0
	for _, l := range losses {
		sum += l
	}
	if r.taping(false, logits) && logits.Grad != nil {
		scale := weight / float32(learned)
		r.record(func() {
			r.rows(logits.Rows, logits.Cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if labels[i] != NotLearned {
						g := logits.GradRow(i)
						kernels.AddScaled(g, probs.Row(i), scale)
						g[labels[i]] -= scale
					}
				}
			})
		})
	}
	return sum / float64(learned)
}

// SquaredError is the mean of (out - want)² over the columns of out, (1, targets), that are present; 0 without any. Its
// gradient, times weight, is added to that of out.
func (r *Run) SquaredError(out Tensor, want []float32, present []bool, weight float32) float64 {
	if r.idle() {
		return 0
	}
	if len(want) != out.Cols || len(present) != out.Cols {
		r.Fail(fmt.Errorf("%d wanted values for %d targets", len(want), out.Cols))
		return 0
	}
	n, sum := 0, 0.0
	for i, ok := range present {
		if ok {
			n++
			d := float64(out.Data[i] - want[i])
			sum += float64(d * d)
		}
	}
	if n == 0 {
		return 0
	}
	if r.taping(false, out) && out.Grad != nil {
		r.record(func() {
			for i, ok := range present {
				if ok {
					out.Grad[i] += float32(weight * (2 / float32(n)) * (out.Data[i] - want[i]))
				}
			}
		})
	}
	return sum / float64(n)
}

// Select is the rows of x at the given places, in order: the tokens of which logits are wanted.
func (r *Run) Select(x Tensor, at []int) Tensor {
	out := r.New(len(at), x.Cols)
	if r.idle() {
		return out
	}
	for i, from := range at {
		copy(out.Row(i), x.Row(from))
	}
	if r.taping(false, x) {
		out = r.WithGrad(out)
		r.record(func() {
			for i, to := range at {
				r.eng.Add(x.GradRow(to), x.GradRow(to), out.GradRow(i))
			}
		})
	}
	return out
}
