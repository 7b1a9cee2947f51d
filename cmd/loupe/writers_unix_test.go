//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/loupe-vl/loupe/weights/disk"
)

// smallFiles makes a process of the program one whose files cannot grow.
const smallFiles = "LOUPE_TEST_SMALL_FILES"

func init() {
	if os.Getenv(smallFiles) == "" {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		panic(err)
	}
	limit.Cur = 256
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		panic(err)
	}
}

// writerCases are the commands that write; {O} is the output, {D} pictures with scores.
var writerCases = []struct {
	name, args string
	directory  bool   // what is written: a directory, which may not hold anything before
	marker     string // a file without which the directory is no result; "": it appears whole
}{
	{"trace to safetensors", "trace --image {P} --tap visual.* --out {O}.safetensors x", false, ""},
	{"trace to npz", "trace --image {P} --tap visual.* --out {O}.npz x", false, ""},
	{"trace to a directory", "trace --image {P} --tap visual.* --out {O} x", true, ""},
	{"attend", "attend --image {P} --out {O}.png x", false, ""},
	{"attend to a page", "attend --image {P} --out {O}.html x", false, ""},
	{"lens", "lens --image {P} --out {O}.json x", false, ""},
	{"eval", "eval --data {D}/data.jsonl --out {O}.jsonl", false, ""},
	{"train", "train --data {D}/data.jsonl --lora-rank 2 --steps 2 --batch 1 --max-pixels 12544 --out {O}", true, "adapter_config.json"},
	{"train a head", "train --data {D}/data.jsonl --head-only --max-pixels 12544 --out {O}", true, "score_head.json"},
	{"merge", "merge --dtype f32 --out {O}", true, ""},
	{"quantize", "quantize --precision int8 --out {O}", true, ""},
}

// writerArgs are a case's arguments with the output out.
func writerArgs(args, out, data string) []string {
	var list []string
	for _, a := range strings.Fields(args) {
		list = append(list, strings.NewReplacer("{O}", out, "{D}", data, "{P}", filepath.Join(data, "00000.png")).Replace(a))
	}
	return list
}

// outputOf is the path after --out.
func outputOf(args []string) string {
	for i, a := range args {
		if a == "--out" {
			return args[i+1]
		}
	}
	return ""
}

func paintings(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if err := paint.Write(context.Background(), data, 4, 1, nil); err != nil {
		t.Fatal(err)
	}
	return data
}

// TestOutputInUse: an output that another run has is refused at once, and the error says who has it; what a directory holds is not
// written over.
func TestOutputInUse(t *testing.T) {
	quiet(t)
	data := paintings(t)
	for _, c := range writerCases {
		t.Run(c.name, func(t *testing.T) {
			args := writerArgs(c.args, filepath.Join(t.TempDir(), "out"), data)
			out := outputOf(args)
			if c.marker != "" { // a directory that grows is there from the beginning
				if err := os.Mkdir(out, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			lock, err := disk.LockOutput(out)
			if err != nil {
				t.Fatal(err)
			}
			err = fails(t, args...)
			if err == nil || !strings.Contains(err.Error(), out+" is in use by process ") {
				t.Errorf("while another run has it: %v", err)
			}
			lock.Release()
			if !c.directory {
				return
			}
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
			precious := filepath.Join(out, "precious.txt")
			if err := errors.Join(os.Mkdir(out, 0o755), os.WriteFile(precious, []byte("mine"), 0o644)); err != nil {
				t.Fatal(err)
			}
			if err := fails(t, args...); err == nil || !strings.Contains(err.Error(), "holds precious.txt already") {
				t.Errorf("a directory that holds something: %v", err)
			}
			if entries, err := os.ReadDir(out); err != nil || len(entries) != 1 {
				t.Errorf("it holds %v now, %v", entries, err)
			}
		})
	}
}

// TestKilledWriters: a command that is killed leaves nothing under the name of its output or all of it, and the next run into the
// same place removes what it left beside, and ends well. LOUPE_LONG=1 kills each at twenty moments.
func TestKilledWriters(t *testing.T) {
	moments := 1
	if os.Getenv("LOUPE_LONG") != "" {
		moments = 20
	}
	data := paintings(t)
	draw := rand.New(rand.NewPCG(1, 2))
	for _, c := range writerCases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			args := writerArgs(c.args, filepath.Join(dir, "out"), data)
			out := outputOf(args)
			began := time.Now()
			whole := start(t, "", args...)
			took := time.Since(began)
			if whole.status != 0 {
				t.Fatalf("exit %d: %s", whole.status, whole.stderr)
			}
			want := tree(t, out)
			for range moments {
				if err := os.RemoveAll(out); err != nil {
					t.Fatal(err)
				}
				p := program(args...)
				if err := p.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(draw.Float64() * float64(took)))
				_ = p.Process.Kill() // it may have ended
				_ = p.Wait()
				if c.marker == "" {
					if _, err := os.Stat(out); err == nil {
						if got := tree(t, out); got != want {
							t.Fatalf("a killed run left a part:\n%s\nwant\n%s", got, want)
						}
					}
				}
				again := args
				if c.directory {
					if c.marker == "" || strings.Contains(c.args, "--head-only") {
						if err := os.RemoveAll(out); err != nil {
							t.Fatal(err)
						}
					} else {
						again = append(again, "--resume")
					}
				}
				if r := start(t, "", again...); r.status != 0 {
					t.Fatalf("after a killed run: exit %d: %s", r.status, r.stderr)
				}
				if c.marker != "" {
					if _, err := os.Stat(filepath.Join(out, c.marker)); err != nil {
						t.Error(err)
					}
				}
				err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
					if err == nil && strings.HasPrefix(e.Name(), ".") {
						err = fmt.Errorf("%s is left", path)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// tree lists a file or directory with sizes.
func tree(t *testing.T, path string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && !e.IsDir() {
			fmt.Fprintf(&out, "%s %d\n", strings.TrimPrefix(p, path), info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestFullDisk: an output for which there is no room is an error that names it, and leaves nothing. No file of the process may
// grow beyond some bytes, which is how a full disk looks to it.
func TestFullDisk(t *testing.T) {
	data := paintings(t)
	for _, c := range writerCases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			args := writerArgs(c.args, filepath.Join(dir, "out"), data)
			p := program(args...)
			p.Env = append(p.Env, smallFiles+"=1")
			text, err := p.CombinedOutput()
			if err == nil {
				t.Fatalf("it ends well: %s", text)
			}
			if p.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(text), "out") || !strings.Contains(string(text), "file too large") {
				t.Errorf("exit %d: %s", p.ProcessState.ExitCode(), text)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 && c.marker == "" {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}
