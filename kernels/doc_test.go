package kernels

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// machineOf is the part of a file's name that says for which machines it is.
var machineOf = regexp.MustCompile(`(_amd64|_arm64|_generic|_other|_asm|_linux)+$`)

// doc is the text of a folder's doc.go.
func doc(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTree: the tree in doc.go names every folder below kernels, and every one that it names is there.
func TestTree(t *testing.T) {
	_, tree, found := strings.Cut(doc(t, "."), "// # The tree\n")
	tree, _, closed := strings.Cut(tree, "// # What is the same bits\n")
	if !found || !closed {
		t.Fatal("doc.go has no tree")
	}
	said := regexp.MustCompile(`\b([a-z0-9]+)/`).FindAllStringSubmatch(tree, -1)
	there := map[string]bool{"kernels": true}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && p != "." {
			if d.Name() == "testdata" || filepath.Dir(p) == "cuda" { // whose doc.go says what lies below it
				return fs.SkipDir
			}
			there[d.Name()] = true
			if !slices.ContainsFunc(said, func(m []string) bool { return m[1] == d.Name() }) {
				t.Errorf("the tree in doc.go does not name %s: say there what lies in it", p)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range said {
		if !there[m[1]] {
			t.Errorf("the tree in doc.go names %s, which is not there", m[1])
		}
	}
}

// TestMapsOfFiles: doc.go of each folder names every file of it that a person wrote, and none that is not there.
func TestMapsOfFiles(t *testing.T) {
	for _, dir := range []string{".", "num", "vec", "gemm", "gemm/bf16", "qgemm", "peak"} {
		text := doc(t, dir)
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		said := regexp.MustCompile(`\b[a-z_0-9]+\.go\b`).FindAllString(regexp.MustCompile(`[a-z_0-9]+/[a-z_0-9/]+\.(go|s)\b`).ReplaceAllString(text, ""), -1)
		var there []string
		for _, f := range files {
			name := strings.TrimSuffix(filepath.Base(f), ".go")
			if name == "doc" || strings.HasSuffix(name, "_test") {
				continue
			}
			names := []string{name + ".go", machineOf.ReplaceAllString(name, "") + ".go"}
			there = append(there, names...)
			code, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			generated := strings.HasPrefix(string(code), "// Code generated")
			if !generated && !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(said, n) }) {
				t.Errorf("%s/doc.go does not name %s: say there what lies in it", dir, filepath.Base(f))
			}
		}
		for _, n := range said {
			if n != "doc.go" && n != "families.go" && n != "functions.go" && !slices.Contains(there, n) {
				t.Errorf("%s/doc.go names %s, which is not there", dir, n)
			}
		}
	}
}

// TestDocNamesTests: the tests that doc.go leans on are there.
func TestDocNamesTests(t *testing.T) {
	var tests strings.Builder
	for _, dir := range []string{".", "num", "vec", "gemm", "gemm/bf16", "qgemm"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			code, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(code)
		}
	}
	for _, name := range regexp.MustCompile(`Test[A-Z]\w+`).FindAllString(doc(t, "."), -1) {
		if !strings.Contains(tests.String(), "func "+name+"(") {
			t.Errorf("doc.go speaks of %s, which is no test of these packages", name)
		}
	}
}

// routine finds the TEXT of a routine and the comment right above it.
var routine = regexp.MustCompile(`(?m)((?:^//.*\n)*)^TEXT ·(\w+)\(SB\)`)

// equals finds the Go function that a routine equals, and its file.
var equals = regexp.MustCompile(`\b(\w+) in ((?:[a-z0-9]+/)*[a-z_0-9]+\.go)\b`)

// TestRoutinesSayTheirLoop: above each routine of assembly stands the Go function whose loop it equals, with its file, or the loop itself, and
// the function is there.
func TestRoutinesSayTheirLoop(t *testing.T) {
	for _, dir := range []string{".", "vec", "gemm", "gemm/bf16", "qgemm", "peak"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.s"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range routine.FindAllStringSubmatch(string(text), -1) {
				comment, name := m[1], m[2]
				said := equals.FindStringSubmatch(comment)
				if said == nil {
					if !regexp.MustCompile(`(?m)^//\t`).MatchString(comment) {
						t.Errorf("%s: nothing above %s says which Go loop it equals", f, name)
					}
					continue
				}
				code, err := os.ReadFile(said[2])
				if err != nil {
					code, err = os.ReadFile(filepath.Join(dir, said[2]))
				}
				if err != nil {
					t.Errorf("%s: %s equals a function in %s, which is not there", f, name, said[2])
				} else if !regexp.MustCompile(`func (\([^)]*\) )?` + said[1] + `[\[(]`).Match(code) {
					t.Errorf("%s: %s equals %s in %s, which has no such function", f, name, said[1], said[2])
				}
			}
		}
	}
}
