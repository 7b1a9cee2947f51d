//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStudio: the command prints the page's address, answers there, and ends well on Ctrl-C, in the middle of a run too.
func TestStudio(t *testing.T) {
	var stderr bytes.Buffer
	cmd := program("studio")
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "http://127.0.0.1:") {
		t.Fatalf("it prints %q (%v): %s", line, err, stderr.String())
	}
	address := strings.TrimSpace(line)
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil || r.StatusCode != http.StatusOK || !bytes.Contains(page, []byte("loupe studio")) {
		t.Errorf("status %d, %v: %.100s", r.StatusCode, err, page)
	}
	begin(t, address)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	ended(t, cmd)
	if status := cmd.ProcessState.ExitCode(); status != 0 || strings.Contains(stderr.String(), "loupe:") {
		t.Errorf("exit %d: %s", status, stderr.String())
	}
}

// begin begins a long run and returns when the model is at it.
func begin(t *testing.T, address string) {
	t.Helper()
	sample, err := http.Get(address + "api/sample")
	if err != nil {
		t.Fatal(err)
	}
	defer sample.Body.Close()
	var form bytes.Buffer
	form.WriteString("--x\r\nContent-Disposition: form-data; name=\"ask\"\r\n\r\n{\"model\": \"model\", \"question\": \"Look.\", \"max_tokens\": 1024}\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\n\r\n")
	if _, err := io.Copy(&form, sample.Body); err != nil {
		t.Fatal(err)
	}
	form.WriteString("\r\n--x--\r\n")
	r, err := http.Post(address+"api/runs", "multipart/form-data; boundary=x", &form)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(r.Body).ReadString('\n'); err != nil || !strings.Contains(line, "prepared") {
		t.Fatalf("the run begins with %q, %v", line, err)
	}
}

// ended waits until a program has ended.
func ended(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		cmd.Process.Kill()
		t.Fatal("the program goes on after Ctrl-C")
	}
}

func TestStudioUsage(t *testing.T) {
	for _, args := range [][]string{{"--addr", "here"}, {"--cache-mb", "0"}, {"picture.png"}} {
		out, err := program(append([]string{"studio"}, args...)...).CombinedOutput()
		if exit, is := err.(*exec.ExitError); !is || exit.ExitCode() != exitUsage || bytes.Count(out, []byte("\n")) != 1 {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
}
