package loupe

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/loupe-vl/loupe/weights"
)

// randomSource makes up the tensor that is asked for, in bfloat16. A tensor's numbers depend on its name and shape alone.
type randomSource struct {
	fill  func(n, grain int, f func(lo, hi int)) // runs f over [0, n); nil: matrices stay empty, and are only counted
	bytes int64                                  // of all tensors so far
}

const (
	randomPiece = 1 << 16 // numbers that come from one generator
	quantiles   = 1 << 12 // different numbers of a tensor
)

// Has implements weights.Source: nothing is stored twice.
func (s *randomSource) Has(string) bool { return false }

// Tensor implements weights.Source.
func (s *randomSource) Tensor(name string, shape ...int) (weights.Tensor, error) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	s.bytes += int64(2 * n)
	t := weights.Tensor{Name: name, Stored: name, DType: weights.BF16, Shape: shape, File: "random weights"}
	if s.fill == nil && len(shape) > 1 {
		return t, nil
	}
	t.Data = make([]byte, 2*n)
	h := fnv.New64a()
	h.Write([]byte(name))
	values := randomValues(name, shape)
	pieces := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			piece := t.Data[2*i*randomPiece : 2*min((i+1)*randomPiece, n)]
			draw(piece, rand.NewPCG(h.Sum64(), uint64(i)), values)
		}
	}
	if count := (n + randomPiece - 1) / randomPiece; s.fill == nil {
		pieces(0, count)
	} else {
		s.fill(count, 1, pieces)
	}
	return t, nil
}

// draw fills piece with values, four from each number of r.
func draw(piece []byte, r *rand.PCG, values *[quantiles]uint16) {
	for len(piece) >= 8 {
		u := r.Uint64()
		binary.LittleEndian.PutUint64(piece, uint64(values[u>>52])|uint64(values[u>>36%quantiles])<<16|uint64(values[u>>20%quantiles])<<32|uint64(values[u>>4%quantiles])<<48)
		piece = piece[8:]
	}
	for ; len(piece) > 0; piece = piece[2:] {
		binary.LittleEndian.PutUint16(piece, values[r.Uint64()>>52])
	}
}

// randomValues are the numbers of a tensor, each as likely as the others: scales at which the activations of a deep model
// neither die out nor grow without end.
func randomValues(name string, shape []int) *[quantiles]uint16 {
	mean, scale := 0.0, 0.0
	switch {
	case len(shape) == 1 && strings.HasSuffix(name, "weight"):
		mean, scale = 1, 0.1
	case len(shape) == 1:
		scale = 0.2
	case strings.Contains(name, "embed_tokens"):
		scale = 0.05
	case name == "lm_head.weight":
		scale = 0.03
	default:
		inputs := 1
		for _, d := range shape[1:] {
			inputs *= d
		}
		scale = 0.7 / math.Sqrt(float64(inputs))
		if strings.Contains(name, "q_proj") || strings.Contains(name, "k_proj") || strings.Contains(name, "qkv") {
			scale *= 2 // attention that looks somewhere
		}
	}
	var out [quantiles]uint16
	for i, z := range normal() {
		out[i] = weights.F32ToBF16(float32(mean + float64(scale*z)))
	}
	return &out
}

// normal are the quantiles of the standard normal distribution.
var normal = sync.OnceValue(func() *[quantiles]float64 {
	var out [quantiles]float64
	for i := range out {
		out[i] = math.Sqrt2 * math.Erfinv((2*float64(i)+1)/quantiles-1)
	}
	return &out
})
