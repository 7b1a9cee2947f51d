//go:build unix

package train_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/loupe-vl/loupe/runtime/train"
)

// TestFullDisk: a checkpoint that cannot be written ends the run and leaves the one before it as it was. No file may grow
// beyond a limit, which is how a full disk looks to the program.
func TestFullDisk(t *testing.T) {
	if os.Getenv("LOUPE_TEST_CHILD") == "" { // a process of its own: go test keeps a log of this one, which may not grow either
		child := exec.Command(os.Args[0], "-test.run=^TestFullDisk$")
		child.Env = append(os.Environ(), "LOUPE_TEST_CHILD=1")
		if text, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return
	}
	o := options(t, painted(t, 6))
	want := whole(t, o)
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = 16 << 10
	err := run(context.Background(), t, o, 2, func(p train.Progress) {
		if p.Stage == "train" && p.Done == 3 {
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
				t.Fatal(err)
			}
		}
	})
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), "write checkpoint") {
		t.Fatalf("the error is: %v", err)
	}
	entries, err := os.ReadDir(filepath.Join(o.Out, "checkpoints"))
	if err != nil || len(entries) != 1 || entries[0].Name() != "step-000002" {
		t.Fatalf("checkpoints: %v, %v", entries, err)
	}
	finish(t, o, want)
}
