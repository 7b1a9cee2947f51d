package sbert

import (
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// module is a step after the transformer: it maps the rows of a text, or its one row, to one row.
type module interface {
	forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor
	// width is the columns of the result for an input of so many.
	width(in int) (out int, err error)
}

// pooling is sentence_transformers' Pooling: one row of the rows of a text's tokens.
type pooling struct {
	config weights.PoolingConfig
	skip   int // tokens of the prompt that are not pooled
}

func (p *pooling) width(in int) (int, error) {
	if in != p.config.Width {
		return 0, fmt.Errorf("the pooling takes rows of %d numbers, and the transformer's have %d", p.config.Width, in)
	}
	return in * len(p.config.Modes), nil
}

func (p *pooling) forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	x = x.Slice(p.skip, x.Rows)
	out := r.New(1, x.Cols*len(p.config.Modes))
	var parts []tensor.Tensor
	for _, mode := range p.config.Modes {
		switch mode {
		case "mean":
			parts = append(parts, r.Download(r.MeanRows(x)))
		case "cls":
			parts = append(parts, r.Download(x.Slice(0, 1)))
		case "max":
			parts = append(parts, largest(r.Download(x)))
		}
	}
	r.Change(out, func(out tensor.Tensor) {
		for i, part := range parts {
			copy(out.Row(0)[i*x.Cols:], part.Row(0))
		}
	})
	return out
}

// largest is the largest number of each column of x.
func largest(x tensor.Tensor) tensor.Tensor {
	out := x.Slice(0, 1)
	for i := range x.Rows {
		for c, v := range x.Row(i) {
			out.Row(0)[c] = max(out.Row(0)[c], v)
		}
	}
	return out
}

// dense is sentence_transformers' Dense: a linear layer and an activation.
type dense struct {
	linear     *tensor.Linear
	activation string
}

func (d *dense) width(in int) (int, error) {
	if in != d.linear.W.Cols {
		return 0, fmt.Errorf("the dense layer takes %d numbers, and gets %d", d.linear.W.Cols, in)
	}
	return d.linear.W.Rows, nil
}

func (d *dense) forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	y := r.Linear(x, d.linear)
	if d.activation == "GELU" {
		return r.GELU(y)
	}
	r.Change(y, func(y tensor.Tensor) {
		row := y.Row(0)
		for i, v := range row {
			switch d.activation {
			case "Tanh":
				row[i] = num.Tanh(v)
			case "ReLU":
				row[i] = max(v, 0)
			case "Sigmoid":
				row[i] = num.Sigmoid(v)
			}
		}
	})
	return y
}

// normalize is sentence_transformers' Normalize: x / max(|x|, 1e-12).
type normalize struct{}

func (normalize) width(in int) (int, error) { return in, nil }

func (normalize) forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	r.Change(x, func(x tensor.Tensor) {
		row := x.Row(0)
		norm := max(float32(math.Sqrt(float64(num.SumSquares(row, 0)))), 1e-12)
		for i := range row {
			row[i] /= norm
		}
	})
	return x
}
