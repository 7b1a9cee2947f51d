package tensor

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// weights makes a matrix in the given layout, and the same numbers in float64.
func (s source) weights(layout kernels.Layout, rows, cols int) (kernels.Placed, []float64) {
	m := kernels.Matrix{Layout: layout, Rows: rows, Cols: cols, Stride: cols}
	exact := make([]float64, rows*cols)
	for i := range exact {
		var v float32
		switch layout {
		case kernels.F32:
			v = float32(s.NormFloat64())
			m.F32 = append(m.F32, v)
		case kernels.BF16:
			bits := uint16(math.Float32bits(float32(s.NormFloat64())) >> 16)
			v = math.Float32frombits(uint32(bits) << 16)
			m.Bits = append(m.Bits, bits)
		case kernels.F16: // 1.xxx times a power of two from -3 to 0, of either sign
			bits := uint16(s.IntN(1<<10)) | uint16(12+s.IntN(4))<<10 | uint16(s.IntN(2))<<15
			v = float32(math.Ldexp(1+float64(bits&1023)/1024, int(bits>>10&31)-15))
			if bits>>15 == 1 {
				v = -v
			}
			m.Bits = append(m.Bits, bits)
		}
		exact[i] = float64(v)
	}
	return kernels.Placed{Matrix: m}, exact
}

// timesTransposed is x wᵀ for x (rows, in) and w (out, in).
func timesTransposed(x, w []float64, in int) []float64 {
	var y []float64
	for i := 0; i < len(x); i += in {
		for j := 0; j < len(w); j += in {
			sum := 0.0
			for k := range in {
				sum += x[i+k] * w[j+k]
			}
			y = append(y, sum)
		}
	}
	return y
}

func float64s(x Tensor) []float64 {
	var out []float64
	for _, row := range rowsOf(x) {
		for _, v := range row {
			out = append(out, float64(v))
		}
	}
	return out
}

func TestLinear(t *testing.T) {
	const rank, scale = 3, 0.25
	for i, c := range []struct {
		layout        kernels.Layout
		rows, in, out int
		bias, lora    bool
	}{
		{kernels.F32, 1, 1, 1, false, false},
		{kernels.F32, 5, 20, 33, true, false},
		{kernels.F32, 5, 20, 33, false, true},
		{kernels.BF16, 7, 300, 17, false, false},
		{kernels.BF16, 7, 40, 17, true, true},
		{kernels.F16, 2, 19, 40, true, false},
		{kernels.F16, 1, 64, 9, true, true},
		{kernels.BF16, 0, 8, 4, true, true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			s := newSource(uint64(40 + i))
			x := s.window(c.rows, c.in)
			l := &Linear{Name: "fc1"}
			var w []float64
			l.W, w = s.weights(c.layout, c.out, c.in)
			want := timesTransposed(float64s(x), w, c.in)
			if c.bias {
				l.Bias = kernels.HostBuffer(s.floats(c.out))
				for j := range want {
					want[j] += float64(l.Bias.Host()[j%c.out])
				}
			}
			if c.lora {
				a, a64 := s.weights(kernels.F32, rank, c.in)
				b, b64 := s.weights(c.layout, c.out, rank)
				l.LoRA = &LoRA{A: a, B: b, Scale: scale}
				for j, v := range timesTransposed(timesTransposed(float64s(x), a64, c.in), b64, rank) {
					want[j] += scale * v
				}
			}
			before := x.Clone()
			r := newRun(t, nil)
			got := r.Linear(x, l)
			if r.Err() != nil || got.Rows != c.rows || got.Cols != c.out {
				t.Fatalf("error %v, shape (%d, %d)", r.Err(), got.Rows, got.Cols)
			}
			near(t, "linear", got.Data.Host(), want, 2e-6)
			if !sameBits(x.Clone().Data.Host(), before.Data.Host()) {
				t.Error("the input was changed")
			}
		})
	}
}

// TestLinearOrder: the product first, then the bias, then the branch, each rounded, which is what the reference adds.
func TestLinearOrder(t *testing.T) {
	one := func(v float32) kernels.Placed { return Of(1, 1, []float32{v}).matrix() }
	x := Of(1, 1, []float32{1})
	// (1 + 2^-24) rounds to 1, plus 2^-24 is 1 again; 2^-24 + 2^-24 first would make 1 + 2^-23.
	l := &Linear{W: one(1), Bias: kernels.HostBuffer([]float32{0x1p-24}), LoRA: &LoRA{A: one(0x1p-12), B: one(0x1p-12), Scale: 1}}
	if got := newRun(t, nil).Linear(x, l).Data.Host()[0]; got != 1 {
		t.Errorf("got %x, want 1", got)
	}
}

// TestLoRAOfZero: a branch that is not trained yet, whose B is 0, changes no bit.
func TestLoRAOfZero(t *testing.T) {
	s := newSource(50)
	x := s.tensor(4, 16)
	plain := &Linear{W: s.tensor(9, 16).matrix(), Bias: kernels.HostBuffer(s.floats(9))}
	adapted := *plain
	adapted.LoRA = &LoRA{A: s.tensor(2, 16).matrix(), B: Of(9, 2, make([]float32, 18)).matrix(), Scale: 2}
	r := newRun(t, nil)
	if !sameBits(r.Linear(x, plain).Data.Host(), r.Linear(x, &adapted).Data.Host()) {
		t.Error("the bits differ")
	}
}

func TestLinearShape(t *testing.T) {
	r := newRun(t, nil)
	r.Linear(counting(2, 5), &Linear{Name: "model.layers.3.mlp.gate_proj", W: counting(3, 4).matrix()})
	if want := "model.layers.3.mlp.gate_proj takes 4 inputs, not 5"; r.Err() == nil || !strings.Contains(r.Err().Error(), want) {
		t.Errorf("error is %v, want %q", r.Err(), want)
	}
}
