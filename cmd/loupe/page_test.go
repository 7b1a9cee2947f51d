//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// shellOf is a shell for the commands of a page of docs, in dir: "loupe" is this test, as the program.
func shellOf(t *testing.T, dir string) func(script string) *exec.Cmd {
	t.Helper()
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec %q \"$@\"\n", asProgram, os.Args[0])
	if err := os.WriteFile(filepath.Join(bin, "loupe"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return func(script string) *exec.Cmd {
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		return cmd
	}
}
