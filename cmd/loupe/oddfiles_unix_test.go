//go:build unix

package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
)

// fails runs a command in this process, which must end by itself, and returns its error.
func fails(t *testing.T, args ...string) error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		root := newRoot()
		root.SetArgs(args)
		done <- execute(t.Context(), root)
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(60 * time.Second):
		t.Fatalf("loupe %s does not end", strings.Join(args, " "))
	}
	return nil
}

// quiet takes away what commands in this process print. Standard output is kept in a file.
func quiet(t *testing.T) (printed func() string) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	to, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	oldOut, oldErr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = to, null
	t.Cleanup(func() {
		os.Stdout, os.Stderr = oldOut, oldErr
		null.Close()
		to.Close()
	})
	return func() string {
		data, err := os.ReadFile(to.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
}

// oddFiles makes what no file should be, by the end of its name. A kind that this machine does not have is left out.
func oddFiles(t *testing.T) map[string]func(path string) error {
	t.Helper()
	kinds := map[string]func(path string) error{
		"a named pipe": func(path string) error { return unix.Mkfifo(path, 0o644) },
		"a device":     func(path string) error { return os.Symlink("/dev/zero", path) },
		"a directory":  func(path string) error { return os.Mkdir(path, 0o755) },
		"8 GB of nothing": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, 8<<30))
		},
		"a socket": func(path string) error {
			l, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		},
		"nothing":     func(string) error { return nil },
		"a torn file": func(path string) error { return os.WriteFile(path, []byte("{\"x"), 0o644) },
		"a file that may not be read": func(path string) error {
			return os.WriteFile(path, []byte("{}"), 0o000)
		},
	}
	if os.Geteuid() == 0 {
		delete(kinds, "a file that may not be read")
	}
	return kinds
}

// TestOddFiles: every flag that takes a file refuses at once what is none, or is too large, torn or not to be read, and names it.
func TestOddFiles(t *testing.T) {
	printed := quiet(t)
	base, err := os.MkdirTemp("", "odd") // t.TempDir may be too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	data := filepath.Join(base, "data")
	if err := paint.Write(context.Background(), data, 2, 1, nil); err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(data, "00000.png")
	if os.Geteuid() == 0 {
		t.Log("as root every file may be read: those that may not be are left out")
	}
	for _, c := range []struct {
		name string // what is read
		file string // its name below the directory of the test
		args string // {F} is the file, {D} its directory, {O} an output
		but  string // a kind that is right here
	}{
		{"picture to score", "p.png", "score --json {F}", "a directory"}, // of which the error is another one
		{"picture", "p.png", "generate --image {F} x", ""},
		{"video", "v.gif", "generate --video {F} x", ""},
		{"messages", "m.json", "generate --messages {F}", ""},
		{"interventions", "i.json", "trace --image {P} --intervene {F} --tap lm_head --out {O}.npz x", ""},
		{"against", "i.json", "trace --image {P} --against {F} x", ""},
		{"attended picture", "p.png", "attend --image {F} --out {O}.png x", ""},
		{"looked at picture", "p.png", "lens --image {F} x", ""},
		{"data to train on", "d.jsonl", "train --data {F} --head-only --out {O}", ""},
		{"data to probe on", "d.jsonl", "lens --what probe --data {F}", ""},
		{"records", "d.jsonl", "eval --data {F}", ""},
		{"table", "d.csv", "eval --data {F}", ""},
		{"config.json", "config.json", "generate --model {D} x", ""},
		{"tokenizer.json", "tokenizer.json", "tokenize --model {D}", "nothing"},
		{"chat_template.jinja", "chat_template.jinja", "generate --model {D} x", ""},
		{"weights", "model-00001-of-00002.safetensors", "generate --model {D} x", ""},
		{"index", "model.safetensors.index.json", "generate --model {D} x", "nothing"}, // shards run without it
		{"head's config", "score_head.json", "score --head {D}", ""},
		{"adapter's config", "adapter_config.json", "score --adapter {D}", ""},
		{"sentence encoder's modules", "modules.json", "eval --data {T} --sbert {D}", ""},
	} {
		for kind, make := range oddFiles(t) {
			if kind == c.but || kind == "nothing" && c.name == "chat_template.jinja" || kind == "a torn file" && (c.name == "chat_template.jinja" || c.name == "table") {
				continue
			}
			t.Run(c.name+" is "+kind, func(t *testing.T) {
				dir, err := os.MkdirTemp(base, "")
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(c.args, "{D}") {
					if err := os.CopyFS(dir, os.DirFS(filepath.Join(golden, "model"))); err != nil {
						t.Fatal(err)
					}
				}
				file := filepath.Join(dir, c.file)
				if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				table := filepath.Join(dir, "texts.csv")
				if err := errors.Join(make(file), os.WriteFile(table, []byte("reference,critique\na,b\n"), 0o644)); err != nil {
					t.Skip(err)
				}
				var args []string
				for _, a := range strings.Fields(c.args) {
					args = append(args, strings.NewReplacer("{F}", file, "{D}", dir, "{O}", filepath.Join(dir, "out"), "{P}", picture, "{T}", table).Replace(a))
				}
				before := len(printed())
				err = fails(t, args...)
				if err == nil {
					t.Fatal("it is taken")
				}
				said := err.Error() + printed()[before:]
				if !strings.Contains(said, c.file) {
					t.Errorf("the file is not named: %s", said)
				}
				for _, ugly := range []string{"panic", "goroutine", "runtime error", "strconv", "syscall."} {
					if strings.Contains(said, ugly) {
						t.Errorf("it is said with %q: %s", ugly, said)
					}
				}
			})
		}
	}
}

// TestFullDevice: results that cannot be written are an error of every command that prints, also where the reader has gone.
func TestFullDevice(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	oldOut, oldErr := os.Stdout, os.Stderr
	os.Stderr = null
	defer func() { os.Stdout, os.Stderr = oldOut, oldErr }()
	dir := t.TempDir()
	table := filepath.Join(dir, "t.csv")
	if err := os.WriteFile(table, []byte("1,2\n2,3\n3,5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(golden, "model")
	for _, args := range [][]string{
		{"score"}, {"score", "--json"}, {"generate", "--max-tokens", "2", "x"}, {"generate", "--max-tokens", "2", "--json", "x"},
		{"trace", "--list", "x"}, {"trace", "--list", "--json", "x"}, {"trace", "--tap", "lm_head", "--json", "--out", "{O}.npz", "x"},
		{"inspect", "--quick", model}, {"inspect", "--quick", "--json", model}, {"eval", "--data", table}, {"eval", "--data", table, "--json"},
		{"lens", "--image", wave, "x"}, {"attend", "--image", wave, "--json", "x"}, {"train", "--dry-run", "--shape", "2b"}, {"--help"}, {"score", "--help"}, {"completion", "bash"},
	} {
		for name, open := range map[string]func() (*os.File, error){
			"full": func() (*os.File, error) { return os.OpenFile("/dev/full", os.O_WRONLY, 0) },
			"closed": func() (*os.File, error) {
				r, w, err := os.Pipe()
				if err == nil {
					r.Close()
				}
				return w, err
			},
		} {
			to, err := open()
			if err != nil {
				t.Logf("no %s output can be had here: %v", name, err)
				continue
			}
			os.Stdout = to
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "{O}", filepath.Join(dir, "out"))
			}
			status := run(t.Context(), args)
			to.Close()
			if status != exitFailed {
				t.Errorf("loupe %s into a %s output: exit %d", strings.Join(args, " "), name, status)
			}
		}
	}
	if err := outputError(&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}); !strings.Contains(err.Error(), "standard output cannot be written: no space left on device") {
		t.Errorf("it is said as %q", err)
	}
}
