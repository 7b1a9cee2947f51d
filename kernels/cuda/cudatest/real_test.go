package cudatest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// onlyFake are variables that only a fake driver heeds, without which a test shows nothing.
var onlyFake = regexp.MustCompile(`CUDASIM_(FAIL|DEVICES|VERSION|MEMORY|ARCH|PLANT|TRAFFIC)`)

// TestFakeOnlyIsSaid: every function of a test that asks the fake driver for what a real one does not do calls FakeOnly, since the same tests
// run on a GPU.
func TestFakeOnlyIsSaid(t *testing.T) {
	found := 0
	err := filepath.WalkDir(filepath.Join("..", "..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || path == "real_test.go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !onlyFake.Match(text) || strings.HasSuffix(path, "cudatest/real_test.go") {
			return err
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			fn, is := decl.(*ast.FuncDecl)
			if !is {
				continue
			}
			body := string(text[files.Position(fn.Pos()).Offset:files.Position(fn.End()).Offset])
			if onlyFake.MatchString(body) {
				if found++; !strings.Contains(body, "FakeOnly(") {
					t.Errorf("%s: %s sets %s: call cudatest.FakeOnly at its beginning, since tests run on a real driver too", path, fn.Name.Name, onlyFake.FindString(body))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 5 {
		t.Errorf("only %d functions were found: the search is broken", found)
	}
}

// TestLibrary: a real driver is told from a fake one, and what needs the fake one is skipped there.
func TestLibrary(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"real.so": "\x7fELF", "fake.so": "\x7fELF CUDASIM_ORDER"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(Variable, path)
		ran := false
		t.Run(name, func(t *testing.T) { FakeOnly(t); ran = true })
		if got, fake := Library(); got != path || fake != (name == "fake.so") || fake != ran {
			t.Errorf("%s: %s, fake %v, a test of the fake driver ran: %v", name, got, fake, ran)
		}
	}
	for name, want := range map[string]bool{"": true, "libcuda.so.1": false} {
		t.Setenv(Variable, name)
		if _, fake := Library(); fake != want {
			t.Errorf("%q: fake %v", name, fake)
		}
	}
}
