package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNotebook makes the files that docs/notebook.ipynb asks for, by the commands that it gives, and runs its code cells, which
// check what they read.
func TestNotebook(t *testing.T) {
	var book struct {
		Cells []struct {
			Type   string `json:"cell_type"`
			Source []string
		}
	}
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "notebook.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &book); err != nil {
		t.Fatal(err)
	}
	var text, code strings.Builder
	for _, c := range book.Cells {
		if c.Type == "code" {
			code.WriteString(strings.Join(c.Source, "") + "\n")
		} else {
			text.WriteString(strings.Join(c.Source, "") + "\n")
		}
	}
	commands := regexp.MustCompile(`(?m)^    loupe (.*)$`).FindAllStringSubmatch(text.String(), -1)
	if len(commands) == 0 {
		t.Fatal("the notebook gives no commands")
	}
	for _, m := range regexp.MustCompile(`(?m)^\s*(?:import|from) (\w+)`).FindAllStringSubmatch(code.String(), -1) {
		if m[1] != "numpy" {
			t.Errorf("the notebook imports %s; it is to need NumPy alone", m[1])
		}
	}
	python := os.Getenv("LOUPE_PYTHON")
	if python == "" {
		t.Skip("LOUPE_PYTHON names no Python with NumPy: the notebook's code is not run")
	}
	dir := t.TempDir()
	for _, c := range commands {
		args := fields(strings.NewReplacer("picture.png", wave).Replace(c[1]))
		for i, a := range args {
			if strings.HasSuffix(a, ".npz") {
				args[i] = filepath.Join(dir, a)
			}
		}
		ok(t, "", append(args, "--model", filepath.Join(golden, "model"), "--head", insideHead)...)
	}
	cmd := exec.Command(python, "-W", "error", "-c", code.String())
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%s", out)
}

// fields divides a command line at spaces, and keeps what stands in double quotes whole.
func fields(line string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		out = append(out, m[1]+m[2])
	}
	return out
}
