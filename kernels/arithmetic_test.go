package kernels_test

import (
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/kernels/meta"
)

// TestArithmeticIsRefused: a device takes no weight whose products it cannot compute, made up ones included, and takes the others.
func TestArithmeticIsRefused(t *testing.T) {
	e, err := kernels.New(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	weight := func(l kernels.Layout) kernels.Matrix {
		return kernels.Matrix{Layout: l, Bits: make([]uint16, 6), Rows: 2, Cols: 3, Stride: 3}
	}
	random := &kernels.RandomWeights{As: kernels.BF16MMA, Values: new([kernels.RandomValues]uint16)}
	for name, dev := range map[string]kernels.Device{"cpu": cpu.New(e), "foreign": devicetest.New(e)} {
		for _, l := range []kernels.Layout{kernels.BF16MMA, random} {
			_, err := dev.PlaceWeight(weight(l))
			if err == nil || !strings.Contains(err.Error(), "(2, 3) is for products of bf16-mma, which this device has not") {
				t.Errorf("%s: a weight of %T: %v", name, l, err)
			}
		}
		for _, l := range []kernels.Layout{kernels.BF16, kernels.F16, kernels.BF16Products} {
			if _, err := dev.PlaceWeight(weight(l)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := kernels.RefuseArithmetic(meta.Device{}, weight(kernels.BF16MMA)); err != nil {
		t.Error(err)
	}
	defer func() {
		if said, _ := recover().(string); !strings.Contains(said, "no products of bf16-mma") {
			t.Errorf("the engine multiplies all the same: %q", said)
		}
	}()
	x := kernels.View{Data: make([]float32, 3), Rows: 1, Cols: 3, RowStride: 3, ColStride: 1}
	e.Affine(kernels.View{Data: make([]float32, 2), Rows: 1, Cols: 2, RowStride: 2, ColStride: 1}, x, weight(kernels.BF16MMA), nil)
}
