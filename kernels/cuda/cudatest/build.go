package cudatest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build compiles the fake driver, with the kernels in it, to a library at out. folder is kernels/cuda, from the working directory; more are
// arguments of the compiler. Where there is no g++ the error is exec.ErrNotFound.
func Build(folder, out string, more ...string) error {
	args := []string{
		"-std=c++17", "-O2", "-ffp-contract=off", "-fno-strict-aliasing", "-fvisibility=hidden", "-shared", "-fPIC",
		"-DCUSIM", "-I" + filepath.Join(folder, "sim"), "-o", out,
	}
	if cpu, err := os.ReadFile("/proc/cpuinfo"); err == nil && strings.Contains(string(cpu), " fma ") {
		args = append(args, "-mfma") // else fmaf is a call, whose bits are the same
	}
	if _, err := exec.LookPath("g++"); err != nil {
		return err
	}
	if text, err := exec.Command("g++", append(append(args, more...), filepath.Join(folder, "sim", "cusim.cc"))...).CombinedOutput(); err != nil {
		return fmt.Errorf("g++: %w\n%s", err, text)
	}
	return nil
}
