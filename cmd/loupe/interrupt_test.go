//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupt: Ctrl-C in the middle of the work ends the program soon, with status 1 and one line, and leaves nothing
// half-written.
func TestInterrupt(t *testing.T) {
	for _, out := range []string{"t.safetensors", "t.npz", "t"} {
		t.Run(out, func(t *testing.T) {
			dir := t.TempDir()
			var stderr bytes.Buffer
			cmd := program("trace", "--model", filepath.Join(golden, "model"), "--image", wave, "--tap", "*", "--steps", "100000", "--out", filepath.Join(dir, out), "Look.")
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			waitForFile(t, dir)
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			select {
			case <-done:
			case <-time.After(20 * time.Second):
				cmd.Process.Kill()
				t.Fatal("the program goes on after Ctrl-C")
			}
			if status := cmd.ProcessState.ExitCode(); status != 1 || !strings.HasSuffix(stderr.String(), "loupe: interrupted\n") {
				t.Errorf("exit %d: %s", status, stderr.String())
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// waitForFile waits until the program has begun to write.
func waitForFile(t *testing.T, dir string) {
	t.Helper()
	for range 2000 {
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the program writes nothing")
}
