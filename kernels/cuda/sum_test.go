package cuda

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sums are the lines of kernels.sum that gen.sh would write now, but for the packages, which only it knows.
func sums(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	digest := func(name, file string) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(text), name)
	}
	sources, err := filepath.Glob("src/*.cu")
	if err != nil {
		t.Fatal(err)
	}
	headers, err := filepath.Glob("src/*.cuh")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range append(sources, headers...) {
		names = append(names, filepath.Base(f))
	}
	for _, n := range names {
		digest(n, filepath.Join("src", n))
	}
	script, err := os.ReadFile("gen.sh")
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string) string {
		m := regexp.MustCompile(`(?m)^` + name + `="([^"]*)"`).FindSubmatch(script)
		if m == nil {
			t.Fatalf("gen.sh has no line %s=", name)
		}
		return string(m[1])
	}
	fmt.Fprintf(&out, "packages %s\nflags %s\ntargets", value("packages"), value("flags"))
	archs := strings.Fields(value("archs"))
	for _, a := range archs {
		fmt.Fprintf(&out, " -gencode arch=compute_%s,code=sm_%s", a, a)
	}
	fmt.Fprintf(&out, " -gencode arch=compute_%s,code=compute_%s\n", archs[0], archs[0])
	for _, n := range []string{"kernels.fatbin", "kernels.ops"} {
		digest(n, n)
	}
	return out.String()
}

// TestKernelsAreOfTheirSource: kernels.fatbin was compiled from the sources that lie here, by the flags and versions that gen.sh has.
func TestKernelsAreOfTheirSource(t *testing.T) {
	want, err := os.ReadFile("kernels.sum")
	if err != nil {
		t.Fatal(err)
	}
	if got := sums(t); got != string(want) {
		t.Errorf("kernels.sum does not fit: run kernels/cuda/gen.sh\nnow:\n%sthen:\n%s", got, want)
	}
}

// forbidden are instructions whose results are not rounded correctly, that lose small numbers, or that add in no order.
var forbidden = regexp.MustCompile(`\.approx|\.ftz|\.full|^(atom|red)\.|^shfl\.|^(fma|mad|add|sub|mul|div|sqrt|rcp)\.f(32|64)$|\.rz\.f|\.rm\.f|\.rp\.f`)

// TestInstructions looks at the instructions of the kernels' PTX.
func TestInstructions(t *testing.T) {
	text, err := os.ReadFile("kernels.ops")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		op, _, _ := strings.Cut(line, " ")
		seen[op] = true
		if forbidden.MatchString(op) {
			t.Errorf("the kernels have the instruction %s", op)
		}
	}
	for _, op := range []string{"fma.rn.f32", "div.rn.f32", "cp.async.cg.shared.global", "bar.sync"} {
		if !seen[op] {
			t.Errorf("kernels.ops does not list %s, which the kernels are made of: the list is not whole", op)
		}
	}
	for _, op := range []string{"ex2.approx.f32", "rcp.approx.ftz.f32", "add.ftz.f32", "red.global.add.f32", "atom.add.f32", "mul.f32", "shfl.sync.down.b32"} {
		if !forbidden.MatchString(op) {
			t.Errorf("%s would pass", op)
		}
	}
}

// TestKernelsAreRebuilt compiles the kernels again, where the compiler is, and compares the bytes.
func TestKernelsAreRebuilt(t *testing.T) {
	if os.Getenv("LOUPE_NVCC") == "" {
		t.Skip("LOUPE_NVCC does not name the virtual environment of gen.sh's compiler")
	}
	dir := t.TempDir()
	if out, err := exec.Command("./gen.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, n := range []string{"kernels.fatbin", "kernels.ops", "kernels.sum"} {
		got, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s comes out otherwise", n)
		}
	}
}
