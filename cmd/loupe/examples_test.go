//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/spf13/cobra"
)

// exampleSkips are the examples that cannot run in a test, each with why. Those of long run where LOUPE_LONG is 1.
var exampleSkips = []struct {
	begins, why string
	long        bool
}{
	{"loupe pull ", "it asks the network", false},
	{"loupe audit witness ", "it asks a witness", false},
	{"loupe studio", "it serves until it is stopped", false},
	{"loupe bench ", "it measures for minutes", true},
	{"loupe train --data paintings/data.jsonl --epochs 3", "it teaches for a minute", true},
	{"loupe train --dry-run --shape 7b", "", false},
}

// TestHelpExamples runs every example of every command's help as it stands there, in a folder with the files that it names.
func TestHelpExamples(t *testing.T) {
	files := exampleFiles(t)
	ran := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if c.Example == "" {
			return
		}
		t.Run(strings.ReplaceAll(c.CommandPath(), " ", "_"), func(t *testing.T) {
			dir := t.TempDir()
			exampleDir(t, files, dir, exampleOutputs[c.CommandPath()])
			shell := shellOf(t, dir)
			for line := range strings.Lines(c.Example) {
				line = strings.TrimSpace(line)
				if line == "" || !wantsExample(t, line) {
					continue
				}
				ran++
				if out, err := shell(line).CombinedOutput(); err != nil {
					t.Errorf("%s\n%v: %s", line, err, out)
				}
			}
		})
	}
	walk(newRoot())
	if ran < 30 {
		t.Errorf("%d examples ran", ran)
	}
}

func wantsExample(t *testing.T, line string) bool {
	for _, s := range exampleSkips {
		if strings.HasPrefix(line, s.begins) && s.why != "" && !(s.long && os.Getenv("LOUPE_LONG") == "1") {
			t.Logf("not run, since %s: %s", s.why, line)
			return false
		}
	}
	return true
}

// exampleFiles makes all files that examples name, once.
func exampleFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	shell := shellOf(t, dir)
	run := func(line string) {
		t.Helper()
		if out, err := shell(line).CombinedOutput(); err != nil {
			t.Fatalf("%s\n%v: %s", line, err, out)
		}
	}
	for _, name := range []string{"Qwen2-VL-2B-Instruct", "DIR", "Qwen/Qwen2-VL-2B-Instruct"} {
		must(os.CopyFS(filepath.Join(dir, name), demo.FS()))
	}
	run("loupe demo paint --count 20 --seed 3 --out many")
	pictures, err := filepath.Glob(filepath.Join(dir, "many", "*.png"))
	must(err)
	if len(pictures) != 20 {
		t.Fatalf("%d pictures were painted", len(pictures))
	}
	must(os.Mkdir(filepath.Join(dir, "gallery"), 0o777))
	for i, name := range []string{"painting.jpg", "cat.jpg", "dog.jpg", "gallery/a.png", "gallery/b.png"} { // what a file is, its content tells
		data, err := os.ReadFile(pictures[i])
		must(err)
		must(os.WriteFile(filepath.Join(dir, name), data, 0o666))
	}
	data, err := os.ReadFile(filepath.Join(dir, "many", "data.jsonl"))
	must(err)
	records := slices.Collect(strings.Lines(string(data)))
	text := strings.ReplaceAll(strings.Join(records[:12], ""), `"image":"`, `"image":"many/`)
	text = strings.ReplaceAll(text, `"image": "`, `"image": "many/`)
	for name, content := range map[string]string{
		"pictures.jsonl": text,
		"scores.csv":     "true,predicted\n10,12\n20,19\n30,33\n44,40\n51,55\n",
		"chat.json":      `[{"role": "user", "content": [{"type": "image", "image": "cat.jpg"}, {"type": "text", "text": "What is this?"}]}]`,
		"question.json":  `[{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]`,
	} {
		must(os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666))
	}
	must(os.CopyFS(filepath.Join(dir, "all-MiniLM-L6-v2"), os.DirFS(filepath.Join("..", "..", "runtime", "train", "sbert", "testdata", "mean"))))
	run("loupe train --model Qwen2-VL-2B-Instruct --data pictures.jsonl --lora-rank 2 --steps 1 --out tuned")
	must(os.MkdirAll(filepath.Join(dir, "heads"), 0o777))
	run("loupe train --model Qwen2-VL-2B-Instruct --data pictures.jsonl --head-only --out heads/mine")
	run("loupe merge --model Qwen2-VL-2B-Instruct --adapter tuned --out merged")
	run("loupe quantize --model Qwen2-VL-2B-Instruct --precision int4 --group 64 --out qwen2-vl-2b-int4")
	run("loupe score --audit audits many")
	run("cp audits/log/checkpoint checkpoint-of-march; cp audits/keys/*.key.pub gallery.key.pub")
	return dir
}

// exampleOutputs are the files of exampleFiles that a command's own examples write.
var exampleOutputs = map[string]string{"loupe train": "tuned", "loupe merge": "merged", "loupe quantize": "qwen2-vl-2b-int4"}

// exampleDir fills the folder to with links to all files of from but the one named own. The log of decisions is a copy, since
// examples add to it.
func exampleDir(t *testing.T, from, to, own string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		there, here := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch e.Name() {
		case own:
		case "audits":
			err = os.CopyFS(here, os.DirFS(there))
		default:
			err = os.Symlink(there, here)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
