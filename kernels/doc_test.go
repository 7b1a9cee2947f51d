package kernels

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// machineOf is the part of a file's name that says for which machines it is.
var machineOf = regexp.MustCompile(`(_linux|_paths)?(_amd64|_arm64|_generic|_other|_linux)+$`)

// TestMapOfFiles: the map in doc.go names every file of the package, and none that is not there.
func TestMapOfFiles(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "// # What lies where\n")
	section, _, closed := strings.Cut(section, "// # How a kernel is laid out\n")
	if !found || !closed {
		t.Fatal("doc.go has no map of the files")
	}
	said := regexp.MustCompile(`[a-z_0-9]+\.go`).FindAllString(section, -1)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, f := range files {
		if f == "doc.go" || strings.HasSuffix(f, "_test.go") {
			continue
		}
		name := strings.TrimSuffix(f, ".go")
		there = append(there, name+".go", machineOf.ReplaceAllString(name, "${1}")+".go", machineOf.ReplaceAllString(name, "")+".go")
		if !slices.ContainsFunc(there[len(there)-3:], func(n string) bool { return slices.Contains(said, n) }) {
			t.Errorf("the map in doc.go does not name %s: say there what lies in it", f)
		}
	}
	for _, n := range said {
		if !slices.Contains(there, n) {
			t.Errorf("the map in doc.go names %s, which is not there", n)
		}
	}
}

// TestDocNamesTests: the tests that doc.go leans on are there.
func TestDocNamesTests(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, f := range files {
		code, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(code)
	}
	for _, name := range regexp.MustCompile(`Test[A-Z]\w+`).FindAllString(string(text), -1) {
		if !strings.Contains(tests.String(), "func "+name+"(") {
			t.Errorf("doc.go speaks of %s, which is no test of this package", name)
		}
	}
}
