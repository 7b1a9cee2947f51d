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

// output is where a command's results go: standard output, whose first error is kept. A result that could not be written is
// not done, whether or not whoever wrote it looked.
type output struct {
	mu  sync.Mutex
	err error
}

// stdout is standard output. What is printed to people goes to screen.
var stdout = new(output)

// screen is standard output for people.
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

// take returns the error of what was written so far, and forgets it.
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

// outputError says what became of standard output.
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

// lines writes text for people: what a file's name or content may hold to confuse a terminal is made visible. A name in a line
// is to pass through disk.Visible before, which does not leave it its line ends either.
type lines struct{ to io.Writer }

// Write implements io.Writer.
func (l lines) Write(p []byte) (int, error) {
	if _, err := io.WriteString(l.to, disk.VisibleLines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// oneLine keeps an error one sentence, whatever a file name or a library put into it.
func oneLine(s string) string { return disk.Visible(strings.Join(strings.Fields(s), " ")) }

// keep takes the file that a command will write, for this run until release: another one would be replaced by it, or replace it.
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
