//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// TestRecover: a device that had too little memory within an operation gives that error until it is told to go on; what it computes then is
// right, and what was left out is done by nobody. From a broken context there is no way back.
func TestRecover(t *testing.T) {
	cudatest.FakeOnly(t)
	t.Setenv("CUDASIM_MEMORY", "4194304")
	d := open(t)
	r := newDice(7)
	m := r.matrix(kernels.BF16Products, 64, 256, 0, ordinary)
	w, err := d.PlaceWeight(m)
	if err != nil {
		t.Fatal(err)
	}
	small, large := r.floats(4*256, ordinary), 2048
	x, dst := up(t, d, 4, 256, 0, small), up(t, d, 4, 64, 0, nil)
	d.MatMul(dst, x, w, kernels.TransW)
	want := down(t, d, dst)
	wide := up(t, d, large, 256, 0, make([]float32, large*256))
	out := up(t, d, large, 64, 0, nil)
	rest, err := d.Alloc(180 << 10) // so that its left operand in bfloat16 finds no place
	if err != nil {
		t.Fatal(err)
	}
	d.Clear(dst.Buffer.Row())
	d.MatMul(out, wide, w, kernels.TransW)
	d.MatMul(dst, x, w, kernels.TransW)
	var full *OutOfMemory
	if err := d.Download(make([]float32, 4*64), dst); !errors.As(err, &full) {
		t.Fatalf("%v; want too little memory", err)
	}
	if _, err := d.Alloc(1); !errors.As(err, &full) {
		t.Errorf("before it is told to go on it allocates: %v", err)
	}
	d.Free(rest)
	d.Free(wide.Buffer)
	if err := d.Recover(); err != nil {
		t.Fatal(err)
	}
	same(t, "left out", down(t, d, dst), make([]float32, 4*64))
	d.MatMul(dst, x, w, kernels.TransW)
	same(t, "after it", down(t, d, dst), want)
	if err := d.Recover(); err != nil {
		t.Errorf("a device that works: %v", err)
	}
	t.Setenv("CUDASIM_FAIL", "cuLaunchKernel:999")
	d.MatMul(dst, x, w, kernels.TransW)
	var broken *Error
	for range 2 {
		if err := d.Recover(); !errors.As(err, &broken) || !broken.Lost() {
			t.Errorf("a broken one: %v", err)
		}
	}
}
