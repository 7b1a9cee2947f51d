package decoder

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/weights"
)

// badToken is a token of the test's model whose embedding is infinite: a sequence that reads it ends there.
const badToken = 7

// testConfig is a decoder that a test can afford.
var testConfig = weights.TextConfig{
	HiddenSize: 64, IntermediateSize: 96, NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 16, VocabSize: 160,
	MropeSection: []int{2, 3, 3}, RMSNormEps: 1e-6, RopeTheta: 10000, MaxPositionEmbeddings: 1 << 12,
}

// made is a source of weights that depend on a tensor's name alone.
type made struct{}

func (made) Has(string) bool { return false }

func (made) Tensor(name string, shape ...int) (weights.Tensor, error) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	t := weights.Tensor{Name: name, Stored: name, DType: weights.BF16, Shape: shape, Data: make([]byte, 2*n)}
	for i := range n {
		x := rng.NormFloat64() / 4
		switch {
		case len(shape) == 1 && strings.HasSuffix(name, "weight"):
			x = 1 + x/4
		case strings.Contains(name, "embed") && i/shape[1] == badToken:
			x = math.Inf(1)
		}
		binary.LittleEndian.PutUint16(t.Data[2*i:], weights.F32ToBF16(float32(x)))
	}
	return t, nil
}

// testModel is a decoder in one of the precisions.
func testModel(t testing.TB, e *kernels.Engine, precision string) *Model {
	t.Helper()
	return testModelOn(t, cpu.New(e), e, precision)
}

// testModelOn is testModel on a device; the engine quantizes.
func testModelOn(t testing.TB, dev kernels.Device, e *kernels.Engine, precision string) *Model {
	t.Helper()
	p := weights.NewParams(made{}, dev)
	p.Convert(func(_ string, w kernels.Matrix) (out kernels.Matrix, copied bool, err error) {
		how := kernels.Quantizing{Bits: 8, Group: 64}
		switch precision {
		case "exact":
			return w, false, nil
		case "bf16":
			out, copied = e.BF16Products(w)
			return out, copied, nil
		case "int4":
			how = kernels.Quantizing{Bits: 4, Group: 32}
		}
		q, err := e.Quantize(w, how)
		if err != nil {
			return w, false, err
		}
		return q.Matrix(), true, nil
	})
	m := Load(p, testConfig, &Qwen2VL)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}
