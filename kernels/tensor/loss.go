package tensor

import (
	"fmt"
	"math"
)

// IgnoreIndex is the label of a token that no loss is taken of.
const IgnoreIndex = -1

// CrossEntropy is the mean over the rows of logits, (tokens, vocab_size), of -log softmax(row)[label], with rows labeled
// IgnoreIndex left out; 0 without any other. Its gradient, times weight, is added to that of logits.
func (r *Run) CrossEntropy(logits Tensor, labels []int, weight float32) float64 {
	if r.idle() {
		return 0
	}
	learned := 0
	for i, label := range labels {
		if label != IgnoreIndex {
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
	if r.idle() {
		return 0
	}
	r.check(r.dev.CrossEntropy(losses, probs.array(), logits.array(), labels))
	if r.Synchronize() != nil { // the losses are numbers that leave the run
		return 0
	}
	sum := 0.0
	for _, l := range losses {
		sum += l
	}
	if r.taping(false, logits) && logits.HasGrad() {
		scale := weight / float32(learned)
		r.record(func() { r.dev.CrossEntropyBackward(logits.grad(), probs.array(), labels, scale) })
	}
	return sum / float64(learned)
}

// SquaredError is the mean of (out - want)² over the columns of out, (1, targets), that are present; 0 without any. Its
// gradient, times weight, is added to that of out.
func (r *Run) SquaredError(out Tensor, want []float32, present []bool, weight float32) float64 {
	return r.targetLoss(out, want, present, weight, 2, func(d float64) float64 { return d * d }, func(d float32) float32 { return d })
}

// Huber is SquaredError with d²/2 for errors up to 1 and |d| - 1/2 beyond, so that a far one pulls no harder than a near one
// (Huber, Robust Estimation of a Location Parameter; torch.nn.HuberLoss with delta 1).
func (r *Run) Huber(out Tensor, want []float32, present []bool, weight float32) float64 {
	value := func(d float64) float64 {
		if a := math.Abs(d); a > 1 {
			return a - 0.5
		}
		return 0.5 * d * d
	}
	return r.targetLoss(out, want, present, weight, 1, value, func(d float32) float32 { return min(max(d, -1), 1) })
}

// targetLoss is the mean of value(out - want) over the columns of out, (1, targets), that are present. Its
// gradient, factor * slope(out - want) over their number, times weight, is added to that of out.
func (r *Run) targetLoss(out Tensor, want []float32, present []bool, weight, factor float32, value func(d float64) float64, slope func(d float32) float32) float64 {
	if r.idle() {
		return 0
	}
	if len(want) != out.Cols || len(present) != out.Cols {
		r.Fail(fmt.Errorf("%d wanted values for %d targets", len(want), out.Cols))
		return 0
	}
	outputs := make([]float32, out.Cols) // of a device that computes nothing they are 0
	if r.download(outputs, out.array()); r.idle() {
		return 0
	}
	n, sum := 0, 0.0
	for i, ok := range present {
		if ok {
			n++
			sum += value(float64(outputs[i] - want[i]))
		}
	}
	if n == 0 {
		return 0
	}
	if r.taping(false, out) && out.HasGrad() {
		r.record(func() {
			r.check(r.change(out.gradTensor(), func(g Tensor) error {
				for i, ok := range present {
					if ok {
						g.Row(0)[i] += float32(weight * (factor / float32(n)) * slope(outputs[i]-want[i]))
					}
				}
				return nil
			}))
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
	r.dev.CopyRows(out.array(), nil, x.array(), at)
	if r.taping(false, x) {
		out = r.WithGrad(out)
		r.record(func() { r.dev.AddRows(x.grad(), at, out.grad(), nil) })
	}
	return out
}
