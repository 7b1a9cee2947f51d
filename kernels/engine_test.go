package kernels

import (
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// eachRealPath runs a test on every path of this machine by name.
func eachRealPath(t *testing.T, f func(t *testing.T, name string)) {
	own := func(name string) *gemm.Kernels {
		for _, ks := range gemm.Sets() {
			if ks.Name == name && ks.Available {
				return ks
			}
		}
		return nil
	}
	none := func(t *testing.T, _ string) (*gemm.Kernels, string) {
		t.Skip("not on this machine, and the emulated processor runs the exact kernels only")
		return nil, ""
	}
	kerneltest.Each(t, own, none, func(t *testing.T, name string, _ *gemm.Kernels, _ bool) { f(t, name) })
}

func engine(t testing.TB, o Options) *Engine {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestChooseNamesWhatThereIs(t *testing.T) {
	_, err := New(Options{Kernels: "avx1024"})
	if err == nil || !strings.Contains(err.Error(), "generic") {
		t.Errorf("error is %v", err)
	}
	e := engine(t, Options{Kernels: "generic", Threads: 3})
	if e.Path() != "generic" || e.Threads() != 3 {
		t.Errorf("engine is %s with %d threads", e.Path(), e.Threads())
	}
}
