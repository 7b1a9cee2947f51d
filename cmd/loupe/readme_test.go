//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadmeCommands runs the commands of README's console block and holds what they print to what stands there, and holds the two
// commands that others run as they stand: `go run ./cmd/loupe score` and `go test ./...`.
func TestReadmeCommands(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"\ngo run ./cmd/loupe score\n", "\ngo test ./...\n"} {
		if strings.Count(string(page), line) != 1 {
			t.Errorf("README.md has not once the line %q", strings.TrimSpace(line))
		}
	}
	const fence = "```console\n"
	before, rest, found := strings.Cut(string(page), fence)
	block, after, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("README.md has no block of a console")
	}
	shell := shellOf(t, t.TempDir())
	var out strings.Builder
	commands := parseConsole(block)
	for _, c := range commands {
		printed, err := shell(c.command).Output()
		if err != nil {
			t.Fatalf("%s: %v", c.command, err)
		}
		out.WriteString("$ " + c.command + "\n" + trimLines(string(printed)))
	}
	if len(commands) < 3 {
		t.Errorf("the block has %d commands", len(commands))
	}
	if os.Getenv("LOUPE_UPDATE") == "1" {
		if err := os.WriteFile(path, []byte(before+fence+out.String()+"```\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(strings.Split(block, "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Errorf("README.md does not show what its commands print (-page +printed): run `LOUPE_UPDATE=1 go test ./cmd/loupe -run TestReadmeCommands`\n%s", diff)
	}
}
