package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/loupe-vl/loupe/weights/disk"
)

// output is standard output, where results go. It keeps the first error: a result that could not be written is a failure,
// even if its writer did not check.
type output struct {
	mu  sync.Mutex
	err error
}

// stdout is standard output, for data. Text for people goes to screen.
var stdout = new(output)

// screen is standard output, for text that people read.
var screen = lines{stdout}

// stderr is standard error, which is for people.
var stderr = lines{standardError{}}

// standardError is what os.Stderr is when it is written to.
type standardError struct{}

// Write implements io.Writer.
func (standardError) Write(p []byte) (int, error) { return os.Stderr.Write(p) }

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := os.Stdout.Write(p)
	if err != nil {
		o.err = outputError(err)
	}
	return n, o.err
}

// take returns the error of what was written so far, and clears it.
func (o *output) take() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.err
	o.err = nil
	return err
}

// failed is the error of what was written so far.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// outputError words an error of standard output.
func outputError(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err // the name of standard output says nothing
	}
	if errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("standard output was closed before all was written: %w", err)
	}
	return fmt.Errorf("standard output cannot be written: %w; results are missing there", err)
}

// lines writes text for people. It makes visible what could confuse a terminal in names and contents of files. A name
// within a line must pass through disk.Visible first, which also replaces line ends.
type lines struct{ to io.Writer }

// Write implements io.Writer.
func (l lines) Write(p []byte) (int, error) {
	if _, err := io.WriteString(l.to, disk.VisibleLines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// oneLine makes an error one line, whatever a file name or a library put in it.
func oneLine(s string) string { return disk.Visible(strings.Join(strings.Fields(s), " ")) }

// keep locks the file that a command will write, until release, so that no two runs replace each other's.
func keep(path string) (release func(), err error) {
	info, err := os.Stat(path)
	if path == "" || err == nil && !info.Mode().IsRegular() { // what is no file is refused, or taken as a directory, by whoever writes it
		return func() {}, nil
	}
	out, err := disk.LockOutput(path)
	if err != nil {
		return nil, err
	}
	return out.Release, nil
}
