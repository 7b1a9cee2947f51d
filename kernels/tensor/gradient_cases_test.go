package tensor

import (
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels/num"
)

// gradientCases are all that a tape can remember.
func gradientCases() []gradientCase {
	return slices.Concat(pointwiseOperations(), linearOperations(), doraCases(), attentionOperations(), rowOperations(), editOperations())
}

func pointwiseOperations() []gradientCase {
	angles := newSource(3).tensor(5, 4)
	return []gradientCase{
		{name: "QuickGELU", inputs: [][2]int{{5, 19}}, run: func(r *Run, in []Tensor) Tensor { return r.QuickGELU(in[0]) },
			twin: elementwise(func(x float64) float64 { return x * sigmoid64(1.702*x) })},
		{name: "GELU", inputs: [][2]int{{5, 19}}, run: func(r *Run, in []Tensor) Tensor { return r.GELU(in[0]) },
			twin: elementwise(func(x float64) float64 { return x * 0.5 * (1 + math.Erf(x/math.Sqrt2)) })},
		{name: "SwiGLU", inputs: [][2]int{{5, 19}, {5, 19}}, run: func(r *Run, in []Tensor) Tensor { return r.SwiGLU(in[0], in[1]) },
			twin: func(in []matrix) matrix {
				out := newMatrix(5, 19)
				for i, g := range in[0].data {
					out.data[i] = g * sigmoid64(g) * in[1].data[i]
				}
				return out
			}},
		{name: "Add", inputs: [][2]int{{5, 19}, {5, 19}}, run: func(r *Run, in []Tensor) Tensor { return r.Add(in[0], in[1]) },
			twin: func(in []matrix) matrix {
				out := newMatrix(5, 19)
				for i, a := range in[0].data {
					out.data[i] = a + in[1].data[i]
				}
				return out
			}},
		{name: "Concat", inputs: [][2]int{{2, 7}, {1, 7}, {3, 7}}, run: func(r *Run, in []Tensor) Tensor { return r.Concat(in...) },
			twin: func(in []matrix) matrix {
				out := newMatrix(6, 7)
				copy(out.data, slices.Concat(in[0].data, in[1].data, in[2].data))
				return out
			}},
		{name: "Rotate", inputs: [][2]int{{5, 16}}, run: func(r *Run, in []Tensor) Tensor { return r.Rotate(in[0], r.NewRotary(angles)) },
			twin: func(in []matrix) matrix {
				out := newMatrix(5, 16)
				for i := range 5 {
					for h := 0; h < 16; h += 8 {
						for j, a := range angles.Row(i) {
							s, c := math.Sincos(float64(a))
							x, y := in[0].at(i, h+j), in[0].at(i, h+j+4)
							out.set(i, h+j, x*c-y*s)
							out.set(i, h+j+4, y*c+x*s)
						}
					}
				}
				return out
			}},
		{name: "LayerNorm", inputs: [][2]int{{5, 33}, {1, 33}, {1, 33}}, run: func(r *Run, in []Tensor) Tensor {
			return r.LayerNorm(in[0], &Norm{Weight: in[1].Data, Bias: in[2].Data, Eps: 1e-3, WeightGrad: in[1].Grad, BiasGrad: in[2].Grad})
		}, twin: func(in []matrix) matrix { return norm64(in[0], in[1].data, in[2].data, 1e-3) }},
		{name: "RMSNorm", inputs: [][2]int{{5, 33}, {1, 33}}, run: func(r *Run, in []Tensor) Tensor {
			return r.RMSNorm(in[0], &Norm{Weight: in[1].Data, Eps: 1e-3, WeightGrad: in[1].Grad})
		}, twin: func(in []matrix) matrix { return norm64(in[0], in[1].data, nil, 1e-3) }},
	}
}

func linearOperations() []gradientCase {
	lora := func(dropout float32) gradientCase {
		op := gradientCase{name: "Linear with LoRA", inputs: [][2]int{{5, 17}, {9, 17}, {1, 9}, {3, 17}, {9, 3}}}
		op.run = func(r *Run, in []Tensor) Tensor {
			return r.Linear(in[0], loraOf(linearOf(in[1], in[2]), in[3], in[4], 1.5, dropout))
		}
		op.twin = func(in []matrix) matrix {
			seen := newMatrix(5, 17)
			for i, kept := range mask(5, 17, dropout) {
				seen.data[i] = in[0].data[i] * kept
			}
			out := linear64(in[0], in[1], in[2].data)
			for i, v := range linear64(linear64(seen, in[3], nil), in[4], nil).data {
				out.data[i] += 1.5 * v
			}
			return out
		}
		if dropout > 0 {
			op.name += " and dropout"
		}
		return op
	}
	return []gradientCase{
		{name: "Linear", inputs: [][2]int{{5, 17}, {9, 17}, {1, 9}}, run: func(r *Run, in []Tensor) Tensor { return r.Linear(in[0], linearOf(in[1], in[2])) },
			twin: func(in []matrix) matrix { return linear64(in[0], in[1], in[2].data) }},
		{name: "Linear without bias", inputs: [][2]int{{40, 17}, {50, 17}}, run: func(r *Run, in []Tensor) Tensor { return r.Linear(in[0], linearOf(in[1], Tensor{})) },
			twin: func(in []matrix) matrix { return linear64(in[0], in[1], nil) }},
		lora(0), lora(0.4),
		{name: "Linear of a reshaped tensor", inputs: [][2]int{{8, 5}, {6, 20}}, run: func(r *Run, in []Tensor) Tensor {
			return r.Linear(in[0].Reshape(2, 20), linearOf(in[1], Tensor{}))
		}, twin: func(in []matrix) matrix { return linear64(matrix{2, 20, in[0].data}, in[1], nil) }},
		{name: "Scope, kept", inputs: [][2]int{{5, 8}, {8, 8}}, run: scoped(false), twin: scoped64},
		{name: "Scope, computed again", inputs: [][2]int{{5, 8}, {8, 8}}, run: scoped(true), twin: scoped64},
	}
}

// mask is what dropout multiplies each number of a tensor by.
func mask(rows, cols int, p float32) []float64 {
	out := make([]float64, rows*cols)
	key := (&Run{DropoutSeed: 5}).dropoutKey("map")
	for i := range out {
		if num.Mix64(key+uint64(i))>>32 >= uint64(float64(p)*(1<<32)) {
			out[i] = 1 / (1 - float64(p))
		}
	}
	return out
}

// scoped is a residual block inside a Scope: x + GELU(x Wᵀ).
func scoped(recompute bool) func(r *Run, in []Tensor) Tensor {
	return func(r *Run, in []Tensor) Tensor {
		r.tape.Recompute = recompute
		return r.Scope(in[0], func(x Tensor) Tensor { return r.Add(x, r.GELU(r.Linear(x, linearOf(in[1], Tensor{})))) })
	}
}

func scoped64(in []matrix) matrix {
	out := linear64(in[0], in[1], nil)
	for i, x := range out.data {
		out.data[i] = in[0].data[i] + x*0.5*(1+math.Erf(x/math.Sqrt2))
	}
	return out
}

func attentionOperations() []gradientCase {
	const rows, d = 7, 4
	causal := func(name string, heads, kvHeads int) gradientCase {
		return gradientCase{name: name, inputs: [][2]int{{rows, heads * d}, {rows, kvHeads * d}, {rows, kvHeads * d}},
			run: func(r *Run, in []Tensor) Tensor {
				return r.Causal(At("attn", ""), in[0], heads, Keys(in[1], in[2], kvHeads))
			},
			twin: func(in []matrix) matrix {
				return attention64(in[0], in[1], in[2], heads, kvHeads, func(row int) int { return row + 1 })
			}}
	}
	segments := []Segment{{0, 3, 0}, {3, 7, 1}}
	part := func(m matrix, s Segment) matrix {
		return matrix{s.End - s.Start, m.cols, m.data[s.Start*m.cols : s.End*m.cols]}
	}
	return []gradientCase{
		causal("Causal", 3, 3), causal("Causal, keys shared by heads", 4, 2),
		{name: "Causal, more queries than a block", inputs: [][2]int{{queryBlock + 9, 2}, {queryBlock + 9, 2}, {queryBlock + 9, 2}},
			run: func(r *Run, in []Tensor) Tensor { return r.Causal(At("attn", ""), in[0], 1, Keys(in[1], in[2], 1)) },
			twin: func(in []matrix) matrix {
				return attention64(in[0], in[1], in[2], 1, 1, func(row int) int { return row + 1 })
			}},
		{name: "Within", inputs: [][2]int{{rows, 2 * d}, {rows, 2 * d}, {rows, 2 * d}},
			run: func(r *Run, in []Tensor) Tensor {
				return r.AttentionVarlen(At("attn", ""), in[0], 2, Keys(in[1], in[2], 2), segments)
			},
			twin: func(in []matrix) matrix {
				out := newMatrix(rows, 2*d)
				for _, s := range segments {
					got := attention64(part(in[0], s), part(in[1], s), part(in[2], s), 2, 2, func(int) int { return s.End - s.Start })
					copy(out.data[s.Start*out.cols:], got.data)
				}
				return out
			}},
		{name: "Causal over columns of one tensor", inputs: [][2]int{{rows, 3 * d}},
			run: func(r *Run, in []Tensor) Tensor {
				return r.Causal(At("attn", ""), in[0].Columns(0, d), 1, Keys(in[0].Columns(d, 2*d), in[0].Columns(2*d, 3*d), 1))
			},
			twin: func(in []matrix) matrix {
				q, k, v := newMatrix(rows, d), newMatrix(rows, d), newMatrix(rows, d)
				for i := range rows {
					copy(q.row(i), in[0].row(i)[:d])
					copy(k.row(i), in[0].row(i)[d:2*d])
					copy(v.row(i), in[0].row(i)[2*d:])
				}
				return attention64(q, k, v, 1, 1, func(row int) int { return row + 1 })
			}},
	}
}

func rowOperations() []gradientCase {
	ids := []int{4, 0, 4, 2}
	at := []int{3, 0}
	pick := func(from matrix, rows []int) matrix {
		out := newMatrix(len(rows), from.cols)
		for i, r := range rows {
			copy(out.row(i), from.row(r))
		}
		return out
	}
	return []gradientCase{
		{name: "Gather", inputs: [][2]int{{6, 5}}, run: func(r *Run, in []Tensor) Tensor { return r.Gather(tableOf(in[0]), in[0].Grad, ids) },
			twin: func(in []matrix) matrix { return pick(in[0], ids) }},
		{name: "Select", inputs: [][2]int{{6, 5}}, run: func(r *Run, in []Tensor) Tensor { return r.Select(in[0], ids) },
			twin: func(in []matrix) matrix { return pick(in[0], ids) }},
		{name: "Place", inputs: [][2]int{{4, 5}, {2, 5}}, run: func(r *Run, in []Tensor) Tensor {
			return r.Place(r.Add(in[0], Of(4, 5, make([]float32, 20))), at, in[1])
		}, twin: func(in []matrix) matrix {
			out := pick(in[0], []int{0, 1, 2, 3})
			for i, to := range at {
				copy(out.row(to), in[1].row(i))
			}
			return out
		}},
		{name: "Concat", inputs: [][2]int{{2, 5}, {3, 5}}, run: func(r *Run, in []Tensor) Tensor { return r.Concat(in[0], in[1]) },
			twin: func(in []matrix) matrix { return matrix{5, 5, slices.Concat(in[0].data, in[1].data)} }},
		{name: "MeanRows", inputs: [][2]int{{6, 5}}, run: func(r *Run, in []Tensor) Tensor { return r.MeanRows(in[0]) },
			twin: func(in []matrix) matrix { return mean64(in[0]) }},
	}
}

func mean64(x matrix) matrix {
	out := newMatrix(1, x.cols)
	for r := range x.rows {
		for c, v := range x.row(r) {
			out.data[c] += v / float64(x.rows)
		}
	}
	return out
}

// edited is an operation that passes a tap point where an edit is made, on head 1 of 2 where it says so.
func edited(name string, e Edit, twin func(x matrix, r, c int) float64) gradientCase {
	return gradientCase{name: "edit: " + name, inputs: [][2]int{{4, 6}},
		run: func(r *Run, in []Tensor) Tensor {
			r.hooks = &watcher{want: func(string) bool { return false }, edits: map[string][]Edit{"here": {e}}}
			return r.TapHeads(At("here", ""), r.Add(in[0], Of(4, 6, make([]float32, 24))), 2)
		},
		twin: func(in []matrix) matrix {
			out := newMatrix(4, 6)
			for r := range 4 {
				for c := range 6 {
					out.set(r, c, in[0].at(r, c))
					if (e.Rows == nil || slices.Contains(e.Rows, r)) && (e.Head < 0 || c >= 3) {
						out.set(r, c, twin(in[0], r, c))
					}
				}
			}
			return out
		}}
}

func editOperations() []gradientCase {
	row := []float32{1, -2, 3, 0.5, 0.25, -1}
	return []gradientCase{
		edited("zero", Edit{Op: Zero, Head: -1, Rows: []int{1}}, func(matrix, int, int) float64 { return 0 }),
		edited("scale a head", Edit{Op: Scale, Head: 1, Scale: 2.5}, func(x matrix, r, c int) float64 { return 2.5 * x.at(r, c) }),
		edited("add", Edit{Op: Add, Head: -1, Rows: []int{0, 2}, Value: row, Scale: 3}, func(x matrix, r, c int) float64 { return x.at(r, c) + 3*float64(row[c]) }),
		edited("set", Edit{Op: Set, Head: -1, Rows: []int{3}, Value: row}, func(_ matrix, _, c int) float64 { return float64(row[c]) }),
		edited("mean", Edit{Op: Mean, Head: 1, Rows: []int{1, 3}}, func(x matrix, _, c int) float64 { return mean64(x).data[c] }),
	}
}
