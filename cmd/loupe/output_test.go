package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOneOutput: what commands print goes through stdout, screen and stderr, which keep errors and make control characters
// visible.
func TestOneOutput(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	past := regexp.MustCompile(`fmt\.Print|Fprint\w*\(os\.|os\.Stdout[^.]|os\.Stdout\.W|println\(`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "output.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if found := past.FindString(line); found != "" && !strings.HasPrefix(strings.TrimSpace(line), "//") && !strings.Contains(line, "fmt.Fprintln(") {
				t.Errorf("%s:%d prints by %q: write to stdout (data), screen (people) or stderr (notes)", name, i+1, found)
			}
		}
	}
}

// TestNamesAreVisible: what a name or a text from a file holds does not reach a terminal as it is, in a table, an error or a note.
func TestNamesAreVisible(t *testing.T) {
	dir := t.TempDir()
	evil := filepath.Join(dir, "a\x1b[31mred\x07.png")
	data, err := os.ReadFile(wave)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(evil, data, 0o644); err != nil {
		t.Skip(err)
	}
	torn := filepath.Join(dir, "b\x1b[2J.png")
	if err := os.WriteFile(torn, data[:100], 0o644); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(dir, "c\x1b[2J.csv")
	if err := os.WriteFile(table, []byte("image,score,\x1b[31mred\n"+filepath.Base(torn)+",1,2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"score", dir}, {"score", torn}, {"generate", "--image", torn, "x"}, {"generate", "--image", evil + "\n", "x"}, {"eval", "--data", table},
		{"train", "--dry-run", "--data", table}, {"inspect", evil}, {"generate", "--messages", table},
	} {
		r := start(t, "", args...)
		if strings.ContainsAny(r.stdout+r.stderr, "\x1b\x07\r") {
			t.Errorf("loupe %q prints %q%q", args, r.stdout, r.stderr)
		}
		if !strings.Contains(r.stdout+r.stderr, `\x1b`) {
			t.Errorf("loupe %q does not show what is there: %q%q", args, r.stdout, r.stderr)
		}
	}
	if line := start(t, "", "score", "--json", evil); !strings.Contains(line.stdout, `a\u001b[31mred`) {
		t.Errorf("JSON has other escapes: %s", line.stdout)
	}
}

// TestClamped: a target outside its range is shown within it, and the raw value beside.
func TestClamped(t *testing.T) {
	for _, c := range []struct {
		value, raw float64
		want       string
	}{{55.04, 55.04, "55.0"}, {100, 112.34, "100.0 (raw 112.3)"}, {1, -3, "1.0 (raw -3.0)"}, {0, -0.01, "0.0 (raw 0.0)"}} {
		if got := shown(c.value, c.raw); got != c.want {
			t.Errorf("%v of %v is shown as %q, want %q", c.value, c.raw, got, c.want)
		}
	}
}
