package cuda

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// names are the files of kernels, without what they end in.
func names(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("src/*.cu")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "src has no kernels")
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".cu")
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var included = regexp.MustCompile(`(?m)^#include "(.*\.cuh)"`)

// sources are a file of src and the headers that it includes, each before those that it includes itself.
func sources(t *testing.T, file string, seen []string) []string {
	if slices.Contains(seen, file) {
		return seen
	}
	seen = append(seen, file)
	for _, m := range included.FindAllSubmatch(read(t, filepath.Join("src", file)), -1) {
		seen = sources(t, string(m[1]), seen)
	}
	return seen
}

// sum is what gen.sh would write to a file's NAME.sum now.
func sum(t *testing.T, name string) string {
	t.Helper()
	var out strings.Builder
	digest := func(name, file string) { fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(read(t, file)), name) }
	for _, f := range sources(t, name+".cu", nil) {
		digest(f, filepath.Join("src", f))
	}
	script := read(t, "gen.sh")
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
	for _, kind := range kinds[:3] {
		digest(name+kind, filepath.Join("fatbin", name+kind))
	}
	return out.String()
}

// kinds are what gen.sh makes of each file.
var kinds = []string{".fatbin", ".ops", ".use", ".sum"}

// TestKernelsAreOfTheirSource: the kernels were compiled from the sources that lie here, by the flags and versions that gen.sh has, and of
// no other source there is anything.
func TestKernelsAreOfTheirSource(t *testing.T) {
	var want []string
	for _, name := range names(t) {
		if got, then := sum(t, name), string(read(t, filepath.Join("fatbin", name+".sum"))); got != then {
			t.Errorf("%s.sum does not fit: run kernels/cuda/gen.sh\nnow:\n%sthen:\n%s", name, got, then)
		}
		for _, kind := range kinds {
			want = append(want, name+kind)
		}
	}
	files, err := os.ReadDir("fatbin")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(want, f.Name()) {
			t.Errorf("fatbin/%s belongs to no source: remove it", f.Name())
		}
	}
}

// forbidden are instructions whose results are not rounded correctly, that lose small numbers, or that add in no order.
var forbidden = regexp.MustCompile(`\.approx|\.ftz|\.full|^(atom|red)\.|^shfl\.|^(fma|mad|add|sub|mul|div|sqrt|rcp)\.f(32|64)$|\.rz\.f|\.rm\.f|\.rp\.f`)

// TestInstructions looks at the instructions of the kernels' PTX.
func TestInstructions(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range names(t) {
		for line := range strings.Lines(string(read(t, filepath.Join("fatbin", name+".ops")))) {
			op, _, _ := strings.Cut(line, " ")
			seen[op] = true
			if forbidden.MatchString(op) {
				t.Errorf("the kernels of %s.cu have the instruction %s", name, op)
			}
		}
	}
	for _, op := range []string{"fma.rn.f32", "div.rn.f32", "cp.async.cg.shared.global", "bar.sync"} {
		if !seen[op] {
			t.Errorf("no list has %s, which the kernels are made of: the lists are not whole", op)
		}
	}
	for _, op := range []string{"ex2.approx.f32", "rcp.approx.ftz.f32", "add.ftz.f32", "red.global.add.f32", "atom.add.f32", "mul.f32", "shfl.sync.down.b32"} {
		if !forbidden.MatchString(op) {
			t.Errorf("%s would pass", op)
		}
	}
}

// spilling are kernels that keep a few numbers in memory on some GPUs, and how many bytes at most.
var spilling = map[string]int{"attend_tile_values_128_128": 72, "attend_tile_values_128_16": 24, "mma_rows_8": 8, "mma_rows_16": 8}

// TestNothingIsSpilled: the registers of every other kernel hold what it computes with, on every GPU.
func TestNothingIsSpilled(t *testing.T) {
	for _, name := range names(t) {
		text := string(read(t, filepath.Join("fatbin", name+".use")))
		if !strings.Contains(text, " spilled 0\n") {
			t.Errorf("%s.use does not say what is spilled", name)
		}
		for line := range strings.Lines(text) {
			kernel, rest, _ := strings.Cut(line, " ")
			spilled, err := strconv.Atoi(strings.TrimSpace(rest[strings.LastIndex(rest, " ")+1:]))
			if err != nil || spilled > spilling[kernel] {
				t.Errorf("%s.cu: %s", name, strings.TrimSpace(line))
			}
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
	for _, name := range names(t) {
		for _, kind := range kinds {
			if !bytes.Equal(read(t, filepath.Join(dir, name+kind)), read(t, filepath.Join("fatbin", name+kind))) {
				t.Errorf("%s comes out otherwise", name+kind)
			}
		}
	}
}
