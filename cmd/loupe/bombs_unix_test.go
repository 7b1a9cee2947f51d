//go:build unix

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bomb is a file, made by text, that a command reads.
type bomb struct {
	name, file, args string
	text             func() string
}

// bombs are files that are small for what they would become: each is refused, or read within bounds.
func bombs() []bomb {
	header := func(text func() string) func() string {
		return func() string {
			text := text()
			return string(binary.LittleEndian.AppendUint64(nil, uint64(len(text)))) + text
		}
	}
	template := func(text string) func() string {
		return func() string {
			data, _ := json.Marshal(map[string]string{"chat_template": text}) // strings always can be
			return string(data)
		}
	}
	many := func(head, part string, n int, tail string) func() string {
		return func() string { return head + strings.Repeat(part, n) + tail }
	}
	objects := many("", `{"a":`, 4<<20, "")
	empty := `{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`
	numbered := func(head, format string, n int, tail string) func() string {
		return func() string {
			var out strings.Builder
			out.WriteString(head)
			for i := range n {
				fmt.Fprintf(&out, format, i)
			}
			return out.String() + tail
		}
	}
	return []bomb{
		{"nested messages", "m.json", "generate --messages {F}", many("", "[", 4<<20, "")},
		{"messages of numbers", "m.json", "generate --messages {F}", many("[", "0,", 10<<20, "0]")},
		{"many messages", "m.json", "generate --messages {F}", many("[", `{"role":"user","content":"x"},`, 1<<20, "0]")},
		{"a long message", "m.json", "generate --messages {F}", many(`[{"role":"user","content":"`, "a", 32<<20, `"}]`)},
		{"many interventions", "i.json", "trace --tap lm_head --out {F}.npz --intervene {F} x", many("[", `{"tap":"model.layers.0.out","op":"zero"},`, 1<<20, "0]")},
		{"nested configuration", "config.json", "generate --model {D} x", objects},
		{"many keys", "config.json", "generate --model {D} x", numbered("{", `"k%d":"",`, 400_000, `"z":0}`)},
		{"nested tokenizer", "tokenizer.json", "tokenize --model {D}", objects},
		{"a template's loops", "chat_template.json", "generate --model {D} x", template("{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}")},
		{"a template that grows", "chat_template.json", "generate --model {D} x", template("{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}")},
		{"a template that multiplies", "chat_template.json", "generate --model {D} x", template("{{ 'x' * 2000000000 }}")},
		{"a deep template", "chat_template.json", "generate --model {D} x", template("{{ " + strings.Repeat("(", 200000) + "1" + strings.Repeat(")", 200000) + " }}")},
		{"a header of tensors", "model-00001-of-00002.safetensors", "generate --model {D} x", header(numbered("{", `"t%d":`+empty+",", 400_000, `"z":`+empty+"}"))},
		{"a header of metadata", "model-00001-of-00002.safetensors", "generate --model {D} x", header(numbered(`{"__metadata__":{`, `"k%d":"",`, 1_000_000, `"z":""}}`))},
		{"a nested header", "model-00001-of-00002.safetensors", "generate --model {D} x", header(objects)},
		{"an index", "model.safetensors.index.json", "generate --model {D} x", numbered(`{"weight_map":{`, `"k%d":"",`, 800_000, `"z":""}}`)},
		{"a field without an end", "t.csv", "eval --data {F}", many("1,2\n\"", "a\n", 32<<20, "")},
		{"a row of columns", "t.csv", "eval --data {F}", many("", "1,", 16<<20, "")},
		{"a column of image names", "t.csv", "train --dry-run --data {F}", many("image,score\n", "\"", 24<<20, "")},
		{"lines that are broken", "d.jsonl", "train --dry-run --data {F}", many("", "{\n", 8<<20, "")},
		{"records of nothing", "d.json", "train --dry-run --data {F}", many("[", "{},", 4<<20, "{}]")},
		{"targets of a head", "score_head.json", "score --head {D}", many(`{"version":1,"targets":[`, `{"name":"a"},`, 1<<20, "0]}")},
	}
}

// TestBombs: none takes 500 MB, or long. With LOUPE_LONG=1, on a machine that nothing else uses, long is 3 seconds.
func TestBombs(t *testing.T) {
	long := 60 * time.Second // other programs may share the cores
	if os.Getenv("LOUPE_LONG") != "" {
		long = 3 * time.Second
	}
	for _, b := range bombs() {
		t.Run(b.name, func(t *testing.T) {
			dir := t.TempDir()
			if strings.Contains(b.args, "{D}") {
				if err := os.CopyFS(dir, os.DirFS(filepath.Join(golden, "model"))); err != nil {
					t.Fatal(err)
				}
			}
			file := filepath.Join(dir, b.file)
			if err := os.WriteFile(file, []byte(b.text()), 0o644); err != nil {
				t.Fatal(err)
			}
			var args []string
			for _, a := range strings.Fields(b.args) {
				args = append(args, strings.NewReplacer("{F}", file, "{D}", dir).Replace(a))
			}
			p := program(args...)
			var said bytes.Buffer
			p.Stderr = &said
			debug.FreeOSMemory() // a process counts what the one that starts it has
			began := time.Now()
			kill := time.AfterFunc(2*long, func() { p.Process.Kill() })
			err := p.Run()
			kill.Stop()
			took := time.Since(began)
			if err == nil || p.ProcessState.ExitCode() != exitFailed || !strings.Contains(said.String(), "loupe: ") {
				t.Errorf("%v: %.300s", err, said.String())
			}
			if took > long {
				t.Errorf("it takes %v", took)
			}
			if use, ok := p.ProcessState.SysUsage().(*syscall.Rusage); ok && !raceDetector {
				most := int64(use.Maxrss) << 10 // kilobytes, but on a Mac
				if most > 500<<20 && most < 500<<30 {
					t.Errorf("it takes %d MB", most>>20)
				}
			}
		})
	}
}
