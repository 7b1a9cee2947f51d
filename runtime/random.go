package loupe

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"strings"
	"sync"

	"github.com/x448/float16"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/weights"
)

// randomSource makes up the tensor that is asked for. Its numbers depend on its name and shape alone, and matrices are made by the device
// that they are placed on: see [kernels.RandomWeights].
type randomSource struct {
	bytes int64  // of all tensors so far
	last  string // the matrix that was given last
}

// Has implements weights.Source: nothing is stored twice.
func (s *randomSource) Has(string) bool { return false }

// Tensor implements weights.Source: a vector, in bfloat16.
func (s *randomSource) Tensor(name string, shape ...int) (weights.Tensor, error) {
	m := random(name, shape)
	s.bytes += int64(m.Bytes())
	m = m.Layout.(*kernels.RandomWeights).Fill(m, func(n, _ int, f func(lo, hi int)) { f(0, n) })
	t := weights.Tensor{Name: name, Stored: name, DType: weights.BF16, Shape: shape, File: "random weights"}
	for _, b := range m.Bits {
		t.Data = binary.LittleEndian.AppendUint16(t.Data, b)
	}
	return t, nil
}

// Matrix implements weights.MatrixSource: in bfloat16.
func (s *randomSource) Matrix(name string, shape ...int) kernels.Matrix {
	m := random(name, shape)
	s.bytes += int64(m.Bytes())
	s.last = name
	return m
}

// random is a tensor in bfloat16.
func random(name string, shape []int) kernels.Matrix {
	cols := 1
	for _, d := range shape[1:] {
		cols *= d
	}
	return kernels.Matrix{
		Layout: &kernels.RandomWeights{Key: keyOf(name), As: kernels.BF16, Values: randomValues(name, shape)},
		Rows:   shape[0], Cols: cols, Stride: cols,
	}
}

func keyOf(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// converter is [converter] for random weights: those that a precision quantizes are drawn as what they would be quantized to. e may be nil
// where nothing is computed.
func (s *randomSource) converter(e *kernels.Engine, precision string) weights.Converter {
	usual := converter(e, precision)
	if usual == nil {
		return nil
	}
	return func(name string, w kernels.Matrix) (out kernels.Matrix, copied bool, err error) {
		if how := (QuantizeOptions{Precision: precision, Group: DefaultGroup(precision)}).quantizing(name); how.Bits != 0 {
			out = randomPacked(name, how, w.Rows, w.Cols)
			if s.bytes += int64(out.Bytes()); s.last == name+".weight" { // and not the other end of a tie
				s.bytes -= int64(w.Bytes())
			}
			return out, false, nil
		}
		r, made := w.Layout.(*kernels.RandomWeights)
		if !made {
			return usual(name, w)
		}
		as, _, err := usual(name, kernels.Matrix{Layout: r.As})
		own := *r
		own.As, w.Layout = as.Layout, &own
		return w, false, err
	}
}

// What random packed weights spread by: q of 8 bits are as likely as each other from -127 to 127, of 4 bits from -8 to 7, sub-scales from 8
// to 15, and scales up to a quarter above the least.
const (
	spread8 = 73.6 * 1.125
	spread4 = 4.64 * 11.7 * 1.125
)

// randomPacked is the matrix of a linear map in packed weights, of which there is no memory yet.
func randomPacked(name string, how kernels.Quantizing, rows, cols int) kernels.Matrix {
	_, scale := moments(name+".weight", []int{rows, cols})
	if how.Bits == 8 {
		scale /= spread8
	} else {
		scale /= spread4
	}
	r := &kernels.RandomWeights{Key: keyOf(name), As: how.Packed(rows, cols), Scale: float16.Fromfloat32(float32(scale)).Bits()}
	return kernels.Matrix{Layout: r, Rows: rows, Cols: cols}
}

// moments are the mean and the standard deviation of a tensor's numbers: scales at which the activations of a deep model neither die out nor
// grow without end.
func moments(name string, shape []int) (mean, scale float64) {
	switch {
	case len(shape) == 1 && strings.HasSuffix(name, "weight"):
		return 1, 0.1
	case len(shape) == 1:
		return 0, 0.2
	case strings.Contains(name, "embed_tokens"):
		return 0, 0.05
	case name == "lm_head.weight":
		return 0, 0.03
	}
	inputs := 1
	for _, d := range shape[1:] {
		inputs *= d
	}
	scale = 0.7 / math.Sqrt(float64(inputs))
	if strings.Contains(name, "q_proj") || strings.Contains(name, "k_proj") || strings.Contains(name, "qkv") {
		scale *= 2 // attention that looks somewhere
	}
	return 0, scale
}

// randomValues are the numbers of a tensor, each as likely as the others.
func randomValues(name string, shape []int) *[kernels.RandomValues]uint16 {
	mean, scale := moments(name, shape)
	var out [kernels.RandomValues]uint16
	for i, z := range normal() {
		out[i] = num.F32ToBF16(float32(mean + float64(scale*z)))
	}
	return &out
}

// normal are the quantiles of the standard normal distribution.
var normal = sync.OnceValue(func() *[kernels.RandomValues]float64 {
	var out [kernels.RandomValues]float64
	for i := range out {
		out[i] = math.Sqrt2 * math.Erfinv((2*float64(i)+1)/kernels.RandomValues-1)
	}
	return &out
})
