package cudatest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// arguments are what both kinds of library are compiled with.
func arguments(folder string) []string {
	args := []string{
		"-std=c++17", "-O2", "-ffp-contract=off", "-fno-strict-aliasing", "-fvisibility=hidden", "-fPIC",
		"-DCUSIM", "-I" + filepath.Join(folder, "sim"),
	}
	if cpu, err := os.ReadFile("/proc/cpuinfo"); err == nil && strings.Contains(string(cpu), " fma ") {
		args = append(args, "-mfma") // else fmaf is a call, whose bits are the same
	}
	return args
}

func compile(args ...string) error {
	if _, err := exec.LookPath("g++"); err != nil {
		return err
	}
	if text, err := exec.Command("g++", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("g++: %w\n%s", err, text)
	}
	return nil
}

// Variable is the variable of the environment that names the driver's library, as package cuda has it.
const Variable = "LOUPE_CUDA_LIBRARY"

// Driver makes the fake driver the one that devices are opened with for the rest of the test, and is its library. Where Variable names a
// library already, that is it: one that was built before, or the system's, to run the test on a GPU. folder is as for Build.
func Driver(t testing.TB, folder string) string {
	t.Helper()
	if library := os.Getenv(Variable); library != "" {
		return library
	}
	library := filepath.Join(t.TempDir(), "libcudasim.so")
	if err := Build(folder, library); errors.Is(err, exec.ErrNotFound) {
		t.Skip("no g++: the fake driver cannot be built")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Setenv(Variable, library)
	return library
}

// Build compiles the fake driver, with the kernels in it, to a library at out. folder is kernels/cuda, from the working directory; more are
// arguments of the compiler. Where there is no g++ the error is exec.ErrNotFound.
func Build(folder, out string, more ...string) error {
	args := append(arguments(folder), "-shared", "-o", out)
	return compile(append(append(args, more...), filepath.Join(folder, "sim", "cusim.cc"))...)
}

// BuildChecked is Build of a library that checks every access of the kernels to memory: see sim/check.cc. It is about three times slower.
// More are arguments of the compiler for the kernels.
func BuildChecked(folder, out string, more ...string) error {
	sim := func(name string) string { return filepath.Join(folder, "sim", name) }
	args := append(arguments(folder), "-DCUSIM_CHECKED")
	instrumented := append(append(args[:len(args):len(args)], more...), "-fsanitize=thread,alignment,bounds", "-fno-sanitize-recover=alignment,bounds",
		"-fno-tree-vectorize", "-c", "-o", out+".o", sim("cusim.cc"))
	if err := compile(instrumented...); err != nil {
		return err
	}
	defer os.Remove(out + ".o")
	return compile(append(args, "-shared", "-o", out, out+".o", sim("check.cc"), sim("driver.cc"), sim("fibers.cc"))...)
}
