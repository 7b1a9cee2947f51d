package house

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// familyFiles are where the values of model families lie, and where they are looked up. runtime/shapes.go has published
// configurations, which name their family.
var familyFiles = []string{
	"weights/family.go", "weights/qwen2vl.go", "vit/qwen2vl.go", "decoder/family.go", "runtime/internal/family/family.go", "runtime/shapes.go",
}

// asksFamily lists where a file asks which family a model is of: it compares a model_type or a family, switches over one, or names
// one of the values.
func asksFamily(s source) []string {
	var out []string
	add := func(n ast.Node, what string) { out = append(out, s.set.Position(n.Pos()).String()+" "+what) }
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (isFamily(n.X) || isFamily(n.Y)) {
				add(n, "compares a family")
			}
		case *ast.SwitchStmt:
			if n.Tag != nil && isFamily(n.Tag) {
				add(n, "switches over families")
			}
		case *ast.Ident:
			if n.Name == "Qwen2VL" {
				add(n, "names a family")
			}
		}
		return true
	})
	return out
}

// isFamily reports whether an expression is a model_type or a family: x.ModelType, x.Family(), x.family.
func isFamily(e ast.Expr) bool {
	if call, ok := e.(*ast.CallExpr); ok {
		e = call.Fun
	}
	sel, ok := e.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"ModelType", "Family", "family"}, sel.Sel.Name)
}

// TestNobodyAsksForTheFamily: what differs between model families is said in their values, and no other code has a case for one.
func TestNobodyAsksForTheFamily(t *testing.T) {
	found := map[string]bool{}
	for _, s := range sources(t) {
		asks := asksFamily(s)
		if s.test || len(asks) == 0 || strings.HasPrefix(s.name, "kernels/") { // which know no models
			continue
		}
		if slices.Contains(familyFiles, s.name) {
			found[s.name] = true
			continue
		}
		for _, at := range asks {
			t.Errorf("%s: say the difference in the family's value (runtime/internal/family/doc.go), and ask for that", at)
		}
	}
	for _, name := range familyFiles {
		if !found[name] {
			t.Errorf("%s asks for no family: take it out of familyFiles", name)
		}
	}
}

func TestAsksFamily(t *testing.T) {
	for text, want := range map[string]int{
		`package p; func f(c *C) bool { return c.ModelType == "qwen2_vl" }`:             1,
		`package p; func f(c *C) bool { return nil != c.Family() }`:                     1,
		`package p; func f(m *M) int { switch m.cfg.ModelType { case "a": return 1 } }`: 1,
		`package p; func f(m *M) bool { return m.family == family.Qwen2VL }`:            2,
		`package p; func f(m *M) { m.family.Load(m.cfg.Family().Name) }`:                0,
	} {
		if got := asksFamily(parse(t, "p.go", text)); len(got) != want {
			t.Errorf("%s: %v, want %d", text, got, want)
		}
	}
}
