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
		zeros := func(rows, cols int) kernels.Array {
			b, err := m.devices.Of(l.Name).Alloc(rows * cols)
			if err != nil {
				t.Fatal(err)
			}
			m.devices.Of(l.Name).Clear(b.Row())
			return kernels.Array{Rows: rows, Cols: cols, Stride: cols, Buffer: b}
		}
		l.LoRA = &tensor.LoRA{A: zeros(2, l.W.Cols).Weight(), B: zeros(l.W.Rows, 2).Weight(), Scale: 1, Dropout: 0.1}
		l.LoRA.AGrad, l.LoRA.BGrad = zeros(2, l.W.Cols).Buffer, zeros(l.W.Rows, 2).Buffer
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
		r.Spread(m.devices.Devices)
		r.Record(&tensor.Tape{Recompute: recompute})
		r.DropoutSeed = o.Seed
		m.loss(r, example, o)
		r.Backward()
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		if took := arenaBytes(arena, len(m.devices.Devices)); took != needs[recompute] {
			t.Errorf("recompute %v: it takes %d bytes, counted were %d", recompute, took, needs[recompute])
		}
	}
	if needs[true] >= needs[false] {
		t.Errorf("one block's activations take %d bytes, all %d", needs[true], needs[false])
	}
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
