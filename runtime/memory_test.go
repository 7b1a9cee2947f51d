package loupe

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
)

// TestEstimateTrainingMemory: what is counted without computing is what an example takes, to the byte, with all activations kept and
// with one block's.
func TestEstimateTrainingMemory(t *testing.T) {
	m, err := Load(filepath.Join("testdata", "golden", "model"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, l := range m.linears()[1:] { // a branch beside each, so that everything has a gradient
		a, b := make([]float32, 2*l.W.Cols), make([]float32, 2*l.W.Rows)
		l.LoRA = &tensor.LoRA{A: tensorMatrix(2, l.W.Cols, a), B: tensorMatrix(l.W.Rows, 2, b), Scale: 1, Dropout: 0.1, AGrad: kernels.HostBuffer(make([]float32, len(a))), BGrad: kernels.HostBuffer(make([]float32, len(b)))}
	}
	example, err := m.blankExample(12, 9, 30, 50)
	if err != nil {
		t.Fatal(err)
	}
	needs := map[bool]int64{}
	for _, recompute := range []bool{false, true} {
		o := LearnOptions{Weight: 1, Lambda: 1, Recompute: recompute, Seed: 3}
		needs[recompute], err = m.estimateTrainingMemory(context.Background(), example, o)
		if err != nil {
			t.Fatal(err)
		}
		arena := new(tensor.Arena)
		r := tensor.NewRun(context.Background(), m.device, arena, nil)
		r.Record(&tensor.Tape{Recompute: recompute})
		r.DropoutSeed = o.Seed
		m.loss(r, example, o)
		r.Backward()
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		if took := int64(arena.Bytes() + arena.Largest()); took != needs[recompute] {
			t.Errorf("recompute %v: it takes %d bytes, counted were %d", recompute, took, needs[recompute])
		}
	}
	if needs[true] >= needs[false] {
		t.Errorf("one block's activations take %d bytes, all %d", needs[true], needs[false])
	}
}

// tensorMatrix is numbers as a kernel operand.
func tensorMatrix(rows, cols int, data []float32) kernels.Placed {
	return kernels.HostArray(rows, cols, data).Weight()
}

// TestShape: a published shape tells its size, and what is asked of it costs no memory of that size.
func TestShape(t *testing.T) {
	for name, size := range map[string]int64{"2b": 4417971200, "7b": 16582751232} { // the published files' tensors
		m, err := Shape(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.tensorBytes(); got != size {
			t.Errorf("%s has %d bytes, want %d", name, got, size)
		}
	}
	if _, err := Shape("3b", Options{}); err == nil {
		t.Error("there is a shape 3b")
	}
}
