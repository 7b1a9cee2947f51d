package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryPackageSaysWhatItMayImport: a reader who opens a folder finds in doc.go what lives there and where it stands.
func TestEveryPackageSaysWhatItMayImport(t *testing.T) {
	said := map[string]string{}
	var dirs []string
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if !slices.Contains(dirs, s.dir()) {
			dirs = append(dirs, s.dir())
		}
		if path.Base(s.name) == "doc.go" {
			said[s.dir()] = s.file.Doc.Text()
		}
	}
	for _, d := range dirs {
		text, has := said[d]
		switch {
		case !has:
			t.Errorf("%s has no doc.go: add one whose package comment says what lives there and, after \"May import:\", what it may import", d)
		case text == "":
			t.Errorf("%s/doc.go has no package comment right above its package line: write one", d)
		case !strings.Contains(strings.ToLower(text), "may import"):
			t.Errorf("%s/doc.go does not say what the package may import: add a line \"May import: ...\"", d)
		}
	}
}

// undocumented lists the exported identifiers of a file that no comment speaks of. A comment above a group of constants or
// variables speaks for the group, a struct's for its fields; an interface's methods are each asked.
func undocumented(s source) []string {
	var out []string
	miss := func(n ast.Node, name string) {
		out = append(out, fmt.Sprintf("%s:%d: %s", s.name, s.set.Position(n.Pos()).Line, name))
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || receiver(d).IsExported()) {
				miss(d, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if !spec.Name.IsExported() {
						continue
					}
					if d.Doc == nil && spec.Doc == nil {
						miss(spec, spec.Name.Name)
					}
					if i, is := spec.Type.(*ast.InterfaceType); is {
						for _, m := range i.Methods.List {
							if len(m.Names) == 1 && m.Names[0].IsExported() && m.Doc == nil && m.Comment == nil {
								miss(m, spec.Name.Name+"."+m.Names[0].Name)
							}
						}
					}
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						if n.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
							miss(n, n.Name)
						}
					}
				}
			}
		}
	}
	return out
}

// receiver is the name of the type that a method belongs to.
func receiver(d *ast.FuncDecl) *ast.Ident {
	x := d.Recv.List[0].Type
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.IndexListExpr:
			x = y.X
		case *ast.Ident:
			return y
		default:
			return ast.NewIdent("_")
		}
	}
}

// TestExportedIdentifiersAreDocumented: what a package offers, it explains.
func TestExportedIdentifiersAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, m := range undocumented(s) {
			t.Errorf("%s is exported and has no comment: say what it is, with shapes, units and errors, or unexport it", m)
		}
	}
}

func TestUndocumented(t *testing.T) {
	s := parse(t, "x.go", `package x

func Bare() {}

// Said is said.
func Said() {}

type T struct{ F int }

func (t *T) M() {}

type hidden int

func (h hidden) M() {}

// Group of two.
const (
	A = 1
	B = 2
)

var V = 1

// I asks.
type I interface {
	Mute()
	Loud() // Loud is loud.
}
`)
	want := []string{"x.go:3: Bare", "x.go:8: T", "x.go:10: M", "x.go:22: V", "x.go:26: I.Mute"}
	if got := undocumented(s); !slices.Equal(got, want) {
		t.Errorf("undocumented: %q, want %q", got, want)
	}
}

// mute lists the places of a test file that skip without a reason that a reader could judge.
func mute(s source) []string {
	var out []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, is := n.(*ast.CallExpr)
		if !is {
			return true
		}
		sel, is := call.Fun.(*ast.SelectorExpr)
		if !is || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
			return true
		}
		if x, is := sel.X.(*ast.Ident); !is || !slices.Contains([]string{"t", "b", "f", "tb"}, x.Name) {
			return true
		}
		if len(call.Args) == 0 || !reason(call.Args[0]) {
			out = append(out, fmt.Sprintf("%s:%d", s.name, s.set.Position(call.Pos()).Line))
		}
		return true
	})
	return out
}

// reason reports whether an argument of Skip says something: any expression does but a literal of fewer than two words.
func reason(x ast.Expr) bool {
	lit, is := x.(*ast.BasicLit)
	if !is {
		return true
	}
	if lit.Kind != token.STRING {
		return false
	}
	text, err := strconv.Unquote(lit.Value)
	return err == nil && len(strings.Fields(text)) > 1
}

// TestSkipsSayWhy: a test that does not run must say what it lacks.
func TestSkipsSayWhy(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		for _, m := range mute(s) {
			t.Errorf("%s skips without a reason: say in words what is missing and how to have it", m)
		}
	}
}

func TestMute(t *testing.T) {
	s := parse(t, "x_test.go", `package x

func TestX(t *testing.T) {
	t.Skip()
	t.SkipNow()
	t.Skip("slow")
	t.Skip("no checkpoint: set LOUPE_WIDE")
	t.Skipf("no %s", x)
	t.Skip(why)
	rows.Skip()
}
`)
	want := []string{"x_test.go:4", "x_test.go:5", "x_test.go:6"}
	if got := mute(s); !slices.Equal(got, want) {
		t.Errorf("mute: %q, want %q", got, want)
	}
}
