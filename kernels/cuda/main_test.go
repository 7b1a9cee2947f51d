//go:build cuda && linux && cgo

package cuda

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// The fake driver libraries: with loupe's kernels as they are, with every access to memory checked, and with faults that can be switched on.
// Empty where there is no C++ compiler, and the tests that need them are skipped. The first is the library that LOUPE_CUDA_LIBRARY names
// where it names one: on a GPU the system's.
var simulated, checked, planted string

// orders are those in which the fake driver runs blocks and threads.
var orders = []string{"forward", "reverse", "random"}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var fake bool
		if simulated, fake = cudatest.Library(); simulated != "" {
			if !fake {
				orders = orders[:1] // the GPU's own
			}
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "cudasim")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if _, err := exec.LookPath("g++"); err == nil {
			simulated, checked, planted = filepath.Join(dir, "libcudasim.so"), filepath.Join(dir, "libcudasim-checked.so"), filepath.Join(dir, "libcudasim-planted.so")
			built := make(chan error)
			go func() { built <- cudatest.Build(".", simulated) }()
			go func() {
				built <- cudatest.BuildChecked(".", checked, "-include", filepath.Join("testdata", "faulty.cu"))
			}()
			go func() { built <- cudatest.Build(".", planted, "-DCUSIM_PLANTS") }()
			for range 3 {
				if err := <-built; err != nil {
					fmt.Fprintln(os.Stderr, "cannot build the fake driver:", err)
					return 1
				}
			}
		}
		launches := filepath.Join(dir, "launches")
		os.Setenv("CUDASIM_LAUNCHES", launches)
		code := m.Run()
		if code == 0 && simulated != "" && os.Getenv("LOUPE_LONG") == "1" && flag.Lookup("test.run").Value.String() == "" {
			for _, gap := range gaps(launches) {
				fmt.Fprintln(os.Stderr, gap)
				code = 1
			}
		}
		return code
	}())
}

// open is a device of the fake driver.
func open(t testing.TB) *Device {
	t.Helper()
	return openLibrary(t, simulated)
}

func openLibrary(t testing.TB, library string) *Device {
	t.Helper()
	if library == "" {
		t.Skip("the fake driver is not built: there is no g++, or LOUPE_CUDA_LIBRARY names another one")
	}
	d, err := Open(Options{Library: library})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// inOrders runs a test on a device of its own for each order of blocks and threads, and in the first with every access to memory checked,
// which finds what no order shows; in the second everything is done as late as it may be.
func inOrders(t *testing.T, f func(t *testing.T, d *Device)) {
	for _, o := range orders {
		t.Run(o, func(t *testing.T) {
			t.Setenv("CUDASIM_ORDER", o)
			library := simulated
			if o == orders[0] && checked != "" {
				library = checked
			}
			if o == orders[1] {
				t.Setenv("CUDASIM_LAZY", "1")
			}
			f(t, openLibrary(t, library))
		})
	}
}
