//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// TestOpenErrors: what a machine may lack is said with what to do about it.
func TestOpenErrors(t *testing.T) {
	cudatest.FakeOnly(t)
	if simulated == "" {
		t.Skip("no g++: the fake driver cannot be built")
	}
	for _, c := range []struct {
		name, library string
		env           map[string]string
		ordinal       int
		want          []string
	}{
		{"no driver", "libnosuchcuda.so.1", nil, 0, []string{"libnosuchcuda.so.1", "cannot open shared object file", "install the driver"}},
		{"not a driver", "libc.so.6", nil, 0, []string{"libc.so.6 has no function cuInit"}},
		{"old driver", simulated, map[string]string{"CUDASIM_VERSION": "12040"}, 0, []string{"CUDA 12.4", "need 13.0", "580"}},
		{"no device", simulated, map[string]string{"CUDASIM_DEVICES": "0"}, 0, []string{"no CUDA-capable device", "nvidia-smi"}},
		{"bad ordinal", simulated, nil, 3, []string{"there is no GPU cuda:3", "shows one GPU, cuda:0", "nvidia-smi"}},
		{"one too few", simulated, map[string]string{"CUDASIM_DEVICES": "2", "CUDA_VISIBLE_DEVICES": "3,1"}, 2, []string{"no GPU cuda:2", "cuda:0 to cuda:1", `CUDA_VISIBLE_DEVICES is "3,1"`}},
		{"hidden", simulated, map[string]string{"CUDASIM_DEVICES": "0", "CUDA_VISIBLE_DEVICES": "-1"}, 0, []string{"no CUDA-capable device", `CUDA_VISIBLE_DEVICES is "-1"`}},
		{"old GPU", simulated, map[string]string{"CUDASIM_ARCH": "75"}, 0, []string{"cuda:0", "compute capability 7.5", "8.0"}},
		{"PTX too new", simulated, map[string]string{"CUDASIM_FAIL": "cuModuleLoadData:222"}, 0, []string{"unsupported toolchain", "580"}},
		{"no stream", simulated, map[string]string{"CUDASIM_FAIL": "cuStreamCreate:2"}, 0, []string{"make a stream", "out of memory"}},
		{"no event", simulated, map[string]string{"CUDASIM_FAIL": "cuEventCreate:2:3"}, 0, []string{"make an event", "out of memory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			d, err := Open(Options{Library: c.library, Ordinal: c.ordinal})
			if err == nil {
				d.Close()
				t.Fatal("it opens")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

// TestInfo: a device says what it is.
func TestInfo(t *testing.T) {
	cudatest.FakeOnly(t)
	t.Setenv("CUDASIM_MEMORY", "1073741824")
	want := "simulated on the processor (sm_90, 4 processors, 1.0 GiB, CUDA 13.0), by the driver library " + simulated + ", which is not the system's"
	if got := open(t).Info().String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	t.Setenv(LibraryVariable, simulated)
	d, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got := d.Info().String(); got != want {
		t.Errorf("by the variable: %q, want %q", got, want)
	}
}

// TestTwoOnOneGPU: two devices of one process on one GPU do not disturb each other, and one that is closed leaves none of its memory behind.
func TestTwoOnOneGPU(t *testing.T) {
	cudatest.FakeOnly(t)
	d := open(t)
	free := func() uint64 {
		n, _, err := d.ctx.memory()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := free()
	other, err := Open(Options{Library: simulated})
	if err != nil {
		t.Fatal(err)
	}
	x := up(t, other, 2, 3, 0, []float32{1, 2, 3, 4, 5, 6})
	w, err := other.PlaceWeight(newDice(1).matrix(kernels.F32, 64, 3, 0, ordinary))
	if err != nil {
		t.Fatal(err)
	}
	other.MatMul(up(t, other, 2, 64, 0, nil), x, w, kernels.TransW)
	if other.Err() != nil || free() >= before {
		t.Fatalf("%v, and %d bytes are free of %d", other.Err(), free(), before)
	}
	mine := up(t, d, 1, 3, 0, []float32{7, 8, 9})
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, "kept", down(t, d, mine), []float32{7, 8, 9})
	d.Free(mine.Buffer)
	if now := free(); now != before {
		t.Errorf("%d bytes are free after the other has gone, and were %d before", now, before)
	}
	runtime.KeepAlive(w)
	runtime.KeepAlive(x)
}

// TestOutOfMemory: what is needed and what is free is said, and the device goes on.
func TestOutOfMemory(t *testing.T) {
	cudatest.FakeOnly(t)
	t.Setenv("CUDASIM_MEMORY", "1048576")
	d := open(t)
	_, err := d.Alloc(1 << 20)
	var full *OutOfMemory
	if !errors.As(err, &full) || full.Need != 4<<20 || full.Free != 1<<20 || !strings.Contains(err.Error(), "4.0 MiB of device memory are needed") {
		t.Fatalf("%v", err)
	}
	if _, err := d.PlaceWeight(newDice(1).matrix(kernels.F32, 1024, 512, 0, ordinary)); !errors.As(err, &full) {
		t.Errorf("a weight that does not fit: %v", err)
	}
	b, err := d.Alloc(1000)
	if err != nil {
		t.Fatalf("a small one after it: %v", err)
	}
	d.Free(b)
	if _, err := d.Alloc(1 << 18); err != nil {
		t.Errorf("all of it, once it is free: %v", err)
	}
}

// TestWeightsGo: the memory of a weight is given back when nobody holds it any more, and what had a place of one that did not fit.
func TestWeightsGo(t *testing.T) {
	cudatest.FakeOnly(t)
	d := open(t)
	r := newDice(2)
	p, err := reference.Quantize(r.matrix(kernels.F32, 64, 256, 0, ordinary), kernels.Quantizing{Bits: 4, Group: 32})
	if err != nil {
		t.Fatal(err)
	}
	free := func() uint64 {
		if err := d.Err(); err != nil { // what is queued uses memory that was given back
			t.Fatal(err)
		}
		n, _, err := d.ctx.memory()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := free()
	placed, err := d.PlaceWeight(p.Matrix())
	if err != nil {
		t.Fatal(err)
	}
	takes := before - free()
	if takes == 0 {
		t.Fatal("a weight takes no memory")
	}
	runtime.KeepAlive(placed)
	placed = kernels.Placed{}
	for range 100 {
		runtime.GC()
		if free() == before {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if now := free(); now != before {
		t.Errorf("%d bytes are free after the weight has gone, and were %d before", now, before)
	}
	_, total, err := d.ctx.memory()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("CUDASIM_MEMORY", fmt.Sprint(total-before+takes-1)) // its last part finds no place
	before = free()
	if _, err := d.PlaceWeight(p.Matrix()); err == nil {
		t.Error("a weight is placed without memory")
	}
	if now := free(); now != before {
		t.Errorf("%d bytes are free after a weight that did not fit, and were %d before", now, before)
	}
}

// TestLostDevice: after an error that breaks the context every call gives that error, and nothing is computed.
func TestLostDevice(t *testing.T) {
	cudatest.FakeOnly(t)
	for _, code := range []string{"214", "700", "719"} {
		d := open(t)
		x := up(t, d, 2, 3, 0, make([]float32, 6))
		t.Setenv("CUDASIM_FAIL", "cuLaunchKernel:"+code+":3") // after the operands
		w, err := d.PlaceWeight(newDice(1).matrix(kernels.F32, 4, 3, 0, ordinary))
		if err != nil {
			t.Fatal(err)
		}
		dst := up(t, d, 2, 4, 0, nil)
		d.MatMul(dst, x, w, kernels.TransW)
		first := d.Download(make([]float32, 8), dst)
		var e *Error
		if !errors.As(first, &e) || !e.Lost() || !strings.Contains(first.Error(), "run the kernel rows_f32_2") || !strings.Contains(first.Error(), "Xid") {
			t.Fatalf("%s: %v", code, first)
		}
		t.Setenv("CUDASIM_FAIL", "")
		if _, err := d.Alloc(1); !errors.Is(err, first) {
			t.Errorf("%s: an allocation after it: %v", code, err)
		}
		if err := d.Upload(x, make([]float32, 6)); !errors.Is(err, first) {
			t.Errorf("%s: an upload after it: %v", code, err)
		}
		if err := d.Close(); !errors.Is(err, first) {
			t.Errorf("%s: closing after it: %v", code, err)
		}
	}
}

// TestHostOperand: memory of the program's own is refused by name, and not read as an address.
func TestHostOperand(t *testing.T) {
	d := open(t)
	w, err := d.PlaceWeight(newDice(1).matrix(kernels.F32, 4, 3, 0, ordinary))
	if err != nil {
		t.Fatal(err)
	}
	dst := up(t, d, 2, 4, 0, nil)
	d.MatMul(dst, kernels.HostArray(2, 3, make([]float32, 6)), w, kernels.TransW)
	if err := d.Download(make([]float32, 8), dst); err == nil || !strings.Contains(err.Error(), "upload it first") {
		t.Errorf("%v", err)
	}
}

// TestCopies: arrays with gaps between their rows go up and come down, in more pieces than one.
func TestCopies(t *testing.T) {
	d := open(t)
	r := newDice(3)
	for _, c := range []struct{ rows, cols, pad int }{{1, 1, 0}, {3, 5, 0}, {3, 5, 2}, {3, stagingHalf/4 - 1, 0}, {1, stagingHalf/4 + 1, 0}} {
		x := r.floats(c.rows*c.cols, ordinary)
		same(t, "copied", down(t, d, up(t, d, c.rows, c.cols, c.pad, x)), x)
	}
	a := up(t, d, 2, 3, 0, nil)
	if err := d.Upload(a, make([]float32, 5)); err == nil {
		t.Error("5 floats went to an array of (2, 3)")
	}
	if err := d.Download(make([]float32, 7), a); err == nil {
		t.Error("an array of (2, 3) came to 7 floats")
	}
}
