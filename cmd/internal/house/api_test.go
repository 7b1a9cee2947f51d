package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// publicDirs are the packages that a program outside imports: package runtime, as loupe, and those around it.
var publicDirs = []string{
	"runtime", "runtime/audit", "runtime/bench", "runtime/demo", "runtime/serve", "runtime/trace", "runtime/trace/attribution", "runtime/trace/figure",
	"runtime/trace/lens", "runtime/trace/report", "runtime/train", "runtime/train/metrics", "weights/option",
}

// apiFile holds what those packages export.
const apiFile = "testdata/api.txt"

// apiLines are the exported identifiers of a file, a line each: "runtime: func (m *Model) Close() error". Constants and variables come
// without their values.
func apiLines(s source) (lines []string) {
	add := func(text string) { lines = append(lines, s.dir()+": "+strings.Join(strings.Fields(text), " ")) }
	text := func(n any) string {
		var out bytes.Buffer
		if err := format.Node(&out, token.NewFileSet(), n); err != nil {
			return fmt.Sprint(err)
		}
		return out.String()
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || receiver(d).IsExported()) {
				add(text(&ast.FuncDecl{Recv: d.Recv, Name: d.Name, Type: d.Type}))
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						if n.IsExported() {
							kind := ""
							if spec.Type != nil {
								kind = " " + text(spec.Type)
							}
							add(d.Tok.String() + " " + n.Name + kind)
						}
					}
				case *ast.TypeSpec:
					if spec.Name.IsExported() {
						addType(spec, text, add)
					}
				}
			}
		}
	}
	return lines
}

// addType adds a type, and each exported field or method that its own text has.
func addType(spec *ast.TypeSpec, text func(any) string, add func(string)) {
	name := spec.Name.Name
	var of *ast.FieldList
	kind := ""
	switch t := spec.Type.(type) {
	case *ast.StructType:
		kind, of = "struct", t.Fields
	case *ast.InterfaceType:
		kind, of = "interface", t.Methods
	}
	if of == nil {
		equals := ""
		if spec.Assign.IsValid() {
			equals = "= "
		}
		add("type " + name + " " + equals + text(spec.Type))
		return
	}
	add("type " + name + " " + kind)
	for _, f := range of.List {
		if len(f.Names) == 0 {
			add("type " + name + " " + kind + ", " + text(f.Type))
		}
		for _, n := range f.Names {
			if n.IsExported() {
				add("type " + name + " " + kind + ", " + n.Name + " " + strings.TrimPrefix(text(f.Type), "func"))
			}
		}
	}
}

// TestPublicAPI holds what programs outside can call to testdata/api.txt, so that a change of it is seen in review.
func TestPublicAPI(t *testing.T) {
	var lines []string
	for _, s := range sources(t) {
		if !s.test && slices.Contains(publicDirs, s.dir()) {
			lines = append(lines, apiLines(s)...)
		}
	}
	slices.Sort(lines)
	got := strings.Join(slices.Compact(lines), "\n") + "\n"
	if os.Getenv("LOUPE_UPDATE") == "1" {
		if err := os.WriteFile(filepath.FromSlash(apiFile), []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(filepath.FromSlash(apiFile))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("what packages export is not what cmd/internal/house/%s says (-file +tree). Where that is meant, run `LOUPE_UPDATE=1 go test ./cmd/internal/house -run TestPublicAPI`:\n%s", apiFile, diff)
	}
}

func TestAPILines(t *testing.T) {
	s := parse(t, "runtime/x.go", "package x\n\n// T is one.\ntype T struct {\n\tA, B int // both\n\tc int\n\tE\n}\n\ntype I interface { M(n int) error; m() }\ntype F func(int)\ntype G = F\n"+
		"const C, d = 1, 2\nvar V []string\n\nfunc (t *T) M(n int) (x,\n\ty error) { return }\nfunc (t *t) N() {}\nfunc New() *T { return nil }\nfunc old() {}\n")
	want := []string{
		"runtime: type T struct", "runtime: type T struct, A int", "runtime: type T struct, B int", "runtime: type T struct, E",
		"runtime: type I interface", "runtime: type I interface, M (n int) error", "runtime: type F func(int)", "runtime: type G = F",
		"runtime: const C", "runtime: var V []string", "runtime: func (t *T) M(n int) (x, y error)", "runtime: func New() *T",
	}
	if diff := cmp.Diff(want, apiLines(s)); diff != "" {
		t.Error(diff)
	}
}
