package house

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path that go.mod declares.
const module = "github.com/loupe-vl/loupe"

// source is one parsed Go file.
type source struct {
	name string // slash-separated path from the module's root
	test bool   // its name ends in _test.go
	file *ast.File
	set  *token.FileSet
}

// dir is the folder that the file lies in: its package's path within the module, "." for the root.
func (s source) dir() string { return path.Dir(s.name) }

// imports are the paths that the file imports.
func (s source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// root is the module's root: the nearest folder upwards that holds go.mod.
func root(t *testing.T) string {
	t.Helper()
	d, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d
		}
		up := filepath.Dir(d)
		if up == d {
			t.Fatal("no go.mod above the working directory: run the test from within the module")
		}
		d = up
	}
}

// files lists every file of the module with one of the endings, leaving out what is not its source: hidden folders,
// testdata and folders that are modules of their own.
func files(t *testing.T, endings ...string) []string {
	t.Helper()
	top := root(t)
	var out []string
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(p, "go.mod"))
			own := err == nil
			if p != top && (own || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		if slices.Contains(endings, filepath.Ext(p)) {
			rel, err := filepath.Rel(top, p)
			if err != nil {
				return err
			}
			out = append(out, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sources parses every Go file of the module, with its comments.
func sources(t *testing.T) []source {
	t.Helper()
	top := root(t)
	set := token.NewFileSet()
	var out []source
	for _, name := range files(t, ".go") {
		f, err := parser.ParseFile(set, filepath.Join(top, filepath.FromSlash(name)), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%v: a file that does not parse cannot be held to the rules", err)
		}
		out = append(out, source{name: name, test: strings.HasSuffix(name, "_test.go"), file: f, set: set})
	}
	return out
}

// parse makes a source of a text, for the tests of the rules themselves.
func parse(t *testing.T, name, text string) source {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{name: name, test: strings.HasSuffix(name, "_test.go"), file: f, set: set}
}

// topEntries are what may stand at the top of the tree, beside files and folders whose name starts with a dot.
var topEntries = []string{"runtime", "kernels", "vit", "decoder", "tokenizer", "weights", "cmd", "docs", "go.mod", "go.sum", "README.md", "LICENSE"}

// TestTopOfTheTree holds the top of the tree to its short list, so that a newcomer finds the model and not a heap of files.
// What git ignores does not count.
func TestTopOfTheTree(t *testing.T) {
	top := root(t)
	// The index is named so that the test's result is not taken from the cache when a file is added.
	if _, err := os.Stat(filepath.Join(top, ".git")); err != nil {
		t.Skip("not a git checkout: which files belong to the tree is not known")
	}
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = top
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("git is not installed: which files belong to the tree is not known")
	}
	if err != nil {
		t.Skipf("git ls-files: %v: which files belong to the tree is not known", err)
	}
	seen := map[string]bool{}
	for name := range bytes.SplitSeq(out, []byte{0}) {
		entry, _, _ := strings.Cut(string(name), "/")
		if entry == "" || seen[entry] {
			continue
		}
		seen[entry] = true
		if !strings.HasPrefix(entry, ".") && !slices.Contains(topEntries, entry) {
			t.Errorf("%s stands at the top of the tree: move it into one of %s", entry, strings.Join(topEntries, ", "))
		}
	}
}

// maxLines is the length above which a hand-written file is to be divided, and maxGenerated one that a program writes.
const (
	maxLines     = 600
	maxGenerated = 2500
)

// TestFilesAreShort: a file that a person reads holds one idea.
func TestFilesAreShort(t *testing.T) {
	top := root(t)
	for _, name := range files(t, ".go", ".s") {
		text, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		n := bytes.Count(text, []byte("\n"))
		if n > maxGenerated && generated(text) {
			t.Errorf("%s has %d lines, more than %d: let its generator write a file for each family of routines", name, n, maxGenerated)
		}
		if n > maxLines && !generated(text) {
			t.Errorf("%s has %d lines, more than %d: divide it by what it holds, or, if a program writes it, let its head line say so", name, n, maxLines)
		}
	}
}

// generated reports whether a file says that a program wrote it, in the form that go generate documents.
func generated(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("// Code generated ")) && bytes.HasSuffix(line, []byte(" DO NOT EDIT.")) {
			return true
		}
		if bytes.HasPrefix(line, []byte("package ")) || bytes.HasPrefix(line, []byte("TEXT ")) {
			return false
		}
	}
	return false
}
