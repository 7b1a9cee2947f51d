package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// page is a file of the module's documentation.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// quoted are the words of a text that stand between backquotes.
var quoted = regexp.MustCompile("`([^`\n]+)`")

// internal are folders that a newcomer need not find in the table of the tree.
var internal = regexp.MustCompile(`(^|/)internal(/|$)`)

// TestReadmeHasTheTree: README's table of the tree names every package of the module, and no folder that is not there.
func TestReadmeHasTheTree(t *testing.T) {
	_, table, found := strings.Cut(page(t, "README.md"), "## The tree\n")
	if !found {
		t.Fatal(`README.md has no section "The tree"`)
	}
	table, _, _ = strings.Cut(table, "\nAs a library")
	said := map[string]bool{}
	for _, m := range quoted.FindAllStringSubmatch(table, -1) {
		said[m[1]] = true
	}
	packages := map[string]bool{}
	for _, s := range sources(t) {
		if dir := s.dir(); !s.test && !internal.MatchString(dir) {
			packages[dir] = true
		}
	}
	for dir := range packages {
		if !said[dir] {
			t.Errorf("README.md's table of the tree does not name %s: say there what lives in it", dir)
		}
	}
	for name := range said {
		if !strings.Contains(name, "/") || strings.Contains(name, ".") {
			continue
		}
		if info, err := os.Stat(filepath.Join(root(t), filepath.FromSlash(name))); err != nil || !info.IsDir() {
			t.Errorf("README.md's table of the tree names %s, which is no folder", name)
		}
	}
}

// variables are the names that a text may give to variables of the environment that tests read.
var variables = regexp.MustCompile(`LOUPE_[A-Z_]*[A-Z]`)

// own are variables by which a test speaks to itself, started again: nobody sets them.
var own = regexp.MustCompile(`^LOUPE_TEST_`)

// TestTestingHasTheVariables: docs/testing.md has a row for each variable that a test reads, and for no other.
func TestTestingHasTheVariables(t *testing.T) {
	var read []string
	for _, s := range sources(t) {
		for _, v := range variablesRead(s) {
			if !own.MatchString(v) && !slices.Contains(read, v) {
				read = append(read, v)
			}
		}
	}
	var rows []string
	for line := range strings.Lines(page(t, "docs/testing.md")) {
		if first, _, is := strings.Cut(strings.TrimPrefix(line, "| "), " | "); is && strings.HasPrefix(line, "| `LOUPE_") {
			rows = append(rows, variables.FindAllString(first, -1)...)
		}
	}
	for _, v := range read {
		if !slices.Contains(rows, v) {
			t.Errorf("a test reads %s, and docs/testing.md has no row for it", v)
		}
	}
	for _, v := range rows {
		if !slices.Contains(read, v) {
			t.Errorf("docs/testing.md has a row for %s, which no test reads", v)
		}
	}
}

// literals are the strings of a file.
func literals(s source) (out []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if lit, is := n.(*ast.BasicLit); is && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				out = append(out, text)
			}
		}
		return true
	})
	return out
}

// variablesRead are the variables that a file names in a string of their own: in os.Getenv, or as a constant.
func variablesRead(s source) (out []string) {
	for _, text := range literals(s) {
		if v := variables.FindString(text); v != "" && v == text {
			out = append(out, v)
		}
	}
	return out
}

func TestVariablesRead(t *testing.T) {
	s := parse(t, "x_test.go", `package x

const Name = "LOUPE_ONE"

func f() { _, _ = os.Getenv("LOUPE_two"), os.Getenv("LOUPE_THREE"); t.Skip("set LOUPE_FOUR") }
`)
	if got := fmt.Sprint(variablesRead(s)); got != "[LOUPE_ONE LOUPE_THREE]" {
		t.Errorf("variables %s", got)
	}
}
