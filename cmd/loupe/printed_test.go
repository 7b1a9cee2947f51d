//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var (
	// printedInline is a command in backticks, as errors, notes and pages have it.
	printedInline = regexp.MustCompile("`(loupe [a-z][^`\n]*)`")
	// printedBlock is a block of commands in a page: fenced, or lines that are indented.
	printedBlock = regexp.MustCompile("(?ms)^```.*?^```|^    .*?$")
	// printedLine is a command on a line of a block, at its beginning or after a shell's sign.
	printedLine = regexp.MustCompile(`(?m)^(?:    |\$ |> +)?((?:go run \./cmd/|bin/)?loupe [a-z].*)$`)
	// placeholder is a word in a command that stands for something of the user's.
	placeholder = regexp.MustCompile(`\b[A-Z][A-Z0-9]+\b|\bN\b|\.\.\.|%[a-z]|\$[a-z(]|<|\[`)
	// piece is where a command ends on its line.
	piece = regexp.MustCompile(`\s*(?:\||&&|;|2?>| #|\\$).*$`)
)

// printedSkips are the commands that are not run, each with why.
var printedSkips = []struct{ begins, why string }{
	{"loupe pull", "it asks the network"}, {"loupe studio", "it serves until it is stopped"}, {"loupe bench", "it measures for minutes"},
	{"loupe train", "it needs data of the user's"}, {"loupe merge", "it needs an adapter of the user's"}, {"loupe quantize", "it needs --out"}, {"loupe eval", "it needs data of the user's"},
	{"loupe tokenize", "it reads standard input"}, {"loupe verify", "it needs a record of the user's"}, {"loupe audit", "it needs a log of the user's"}, {"loupe attend", "what it is to write is the user's"}, {"loupe trace", "what it is to write is the user's"},
	{"loupe lens --what probe", "it needs data of the user's"}, {"loupe demo paint", "it needs --out"},
}

// TestPrintedCommands: every command that sources, notes, errors and pages print in backticks, or on lines of their own, is one:
// its subcommand is there and has each of its flags. Those that name nothing of the user's run as they stand.
func TestPrintedCommands(t *testing.T) {
	root := filepath.Join("..", "..")
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "shared") {
				return filepath.SkipDir
			}
			return err
		}
		ext := filepath.Ext(path)
		if strings.HasSuffix(path, "_test.go") || !slices.Contains([]string{".go", ".md", ".tmpl", ".html", ".js"}, ext) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		matches := printedInline.FindAllStringSubmatch(string(text), -1)
		if ext == ".md" {
			for _, block := range printedBlock.FindAllString(string(text), -1) {
				matches = append(matches, printedLine.FindAllStringSubmatch(block, -1)...)
			}
		}
		for _, m := range matches {
			line := strings.TrimPrefix(strings.TrimPrefix(m[1], "go run ./cmd/"), "bin/")
			if line = piece.ReplaceAllString(line, ""); found[line] == "" {
				found[line] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 100 {
		t.Errorf("%d commands are printed", len(found))
	}
	shell := shellOf(t, t.TempDir())
	ran := 0
	for line, path := range found {
		words := strings.Fields(line)[1:]
		cmd, rest, err := newRoot().Find(words)
		if err != nil || cmd.Name() == "loupe" && len(words) > 0 && words[0] != "help" && words[0] != "completion" && words[0] != "COMMAND" && !strings.HasPrefix(words[0], "-") {
			t.Errorf("%s prints `%s`, and there is no such command", path, line)
			continue
		}
		for _, w := range rest {
			name, is := strings.CutPrefix(w, "--")
			name, _, _ = strings.Cut(name, "=")
			if name = strings.TrimRight(name, ".,;:)]'\""); !is || name == "" || name == "help" || cmd.Name() == "loupe" {
				continue
			}
			var f *pflag.Flag
			if f = cmd.Flags().Lookup(name); f == nil {
				f = cmd.InheritedFlags().Lookup(name)
			}
			if f == nil || f.Hidden {
				t.Errorf("%s prints `%s`, and %s has no flag --%s", path, line, cmd.CommandPath(), name)
			}
		}
		if cmd.HasAvailableSubCommands() || placeholder.MatchString(line) || slices.ContainsFunc(printedSkips, func(s struct{ begins, why string }) bool { return strings.HasPrefix(line, s.begins) }) || strings.Contains(line, ".png") || strings.Contains(line, ".jpg") || strings.Contains(line, "--model") || strings.Contains(line, "--messages") {
			continue
		}
		ran++
		if out, err := shell(line).CombinedOutput(); err != nil {
			t.Errorf("%s prints `%s`, which fails: %v: %s", path, line, err, out)
		}
	}
	t.Logf("%d commands are printed, of which %d name nothing of the user's and ran", len(found), ran)
	if ran < 5 {
		t.Errorf("%d of them ran", ran)
	}
}
