package house

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// flagText is a flag of the command line in a text.
var flagText = regexp.MustCompile(`(^|[^-\w])--(%|[a-z][a-z-]+)`)

// showFlags are packages of the library whose texts show commands to type, and which are no errors.
var showFlags = []string{
	"runtime/serve/tour", // each step names the command that shows the same
}

// flagsIn lists the texts of a file that name a flag.
func flagsIn(s source) (out []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if field, is := n.(*ast.Field); is && field.Tag != nil {
			return false
		}
		lit, is := n.(*ast.BasicLit)
		if !is || lit.Kind != token.STRING {
			return true
		}
		if text, err := strconv.Unquote(lit.Value); err == nil && flagText.MatchString(text) {
			out = append(out, s.set.Position(lit.Pos()).String()+": "+text)
		}
		return true
	})
	return out
}

// TestLibraryNamesNoFlags: an error of the library names the option that is wrong by its field, as in "Generation.Temperature", and each
// front end puts its own name in that place; see weights/option.
func TestLibraryNamesNoFlags(t *testing.T) {
	for _, s := range sources(t) {
		area, _, _ := strings.Cut(s.name, "/")
		if s.test || area == "cmd" || area == "docs" || s.file.Name.Name == "main" || hasPrefixOf(s.dir(), showFlags) {
			continue
		}
		for _, where := range flagsIn(s) {
			t.Errorf("%s\n\tnames a flag, which a caller of the library does not have: name the field, as in option.Error{Field: \"Generation.Temperature\"}", where)
		}
	}
}

func hasPrefixOf(dir string, list []string) bool {
	for _, p := range list {
		if dir == p || strings.HasPrefix(dir, p+"/") {
			return true
		}
	}
	return false
}

func TestFlagsIn(t *testing.T) {
	s := parse(t, "x.go", "package x\n\nvar a, b, c, d = \"give --image\", `--lr is 0`, \"a -- b\", \"x--y\"\n\ntype t struct { A int `json:\"--a\"` }\n")
	if got := flagsIn(s); len(got) != 2 {
		t.Errorf("flags in %q, want those of a and b", got)
	}
}
