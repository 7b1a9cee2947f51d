package loupe

import (
	"strings"
	"testing"
)

// naive is compileGlob as its comment words it, a character at a time.
func naive(glob, name string) bool {
	if glob == "" {
		return name == ""
	}
	switch glob[0] {
	case '*':
		for i := 0; i <= len(name); i++ {
			if naive(glob[1:], name[i:]) {
				return true
			}
		}
		return false
	case '?':
		return name != "" && name[0] != '.' && naive(glob[1:], name[1:])
	case '[':
		set, rest, _ := strings.Cut(glob[1:], "]")
		if name == "" {
			return false
		}
		not := set[0] == '!' || set[0] == '^'
		if not {
			set = set[1:]
		}
		return inSet(set, name[0]) != not && naive(rest, name[1:])
	}
	return name != "" && name[0] == glob[0] && naive(glob[1:], name[1:])
}

// inSet reports whether one of the characters, or of the ranges a-z, of a set is c.
func inSet(set string, c byte) bool {
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= c && c <= set[i+2] {
				return true
			}
			i += 2
		} else if set[i] == c {
			return true
		}
	}
	return false
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		glob string
		yes  []string
		no   []string
	}{
		{"model.layers.?.out", []string{"model.layers.3.out"}, []string{"model.layers.13.out", "model.layers..out", "model.layers.3.mlp.out"}},
		{"model.layers.*.out", []string{"model.layers.3.out", "model.layers.13.mlp.out"}, []string{"model.layers.3.out.x"}},
		{"a[0-2]b", []string{"a0b", "a2b"}, []string{"a3b", "ab", "a-b"}},
		{"a[!0-2]b", []string{"a3b", "a.b"}, []string{"a1b", "ab"}},
		{"a[^0]b", []string{"a3b"}, []string{"a0b"}},
		{"a[13]?", []string{"a1x"}, []string{"a1.", "a2x"}},
		{"a[.]b", []string{"a.b"}, []string{"axb"}},
		{"(a+)?", []string{"(a+)x"}, []string{"aax", "a"}},
	} {
		has, err := compileGlob(c.glob)
		if err != nil {
			t.Errorf("%q: %v", c.glob, err)
			continue
		}
		for _, name := range c.yes {
			if !has(name) {
				t.Errorf("%q does not match %q", c.glob, name)
			}
		}
		for _, name := range c.no {
			if has(name) {
				t.Errorf("%q matches %q", c.glob, name)
			}
		}
	}
}

// FuzzGlob holds patterns to the naive reading.
func FuzzGlob(f *testing.F) {
	for _, glob := range []string{"model.layers.?.out", "*.[0-9].out", "a[!b-d]*?", "[^-a]x", "[a-]", "**[", "[]]", `[\d]`, "[a-c-e]"} {
		f.Add(glob, "model.layers.1.out")
	}
	f.Fuzz(func(t *testing.T, glob, name string) {
		if len(glob) > 20 || len(name) > 40 || strings.Count(glob, "*") > 4 {
			return // the naive reading takes long
		}
		for _, s := range []string{glob, name} {
			for _, c := range []byte(s) {
				if c < ' ' || c > '~' {
					return // names are ASCII
				}
			}
		}
		has, err := compileGlob(glob)
		if err != nil {
			return
		}
		if got, want := has(name), naive(glob, name); got != want {
			t.Errorf("%q matches %q: %v, want %v", glob, name, got, want)
		}
	})
}
