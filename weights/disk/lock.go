package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// lockName is the lock of a directory, within it; that of a file, or of a directory that is not there yet, lies beside it.
const lockName = ".loupe-lock"

// Lock is the lock of one run on an output.
type Lock struct{ file *os.File }

// LockOutput locks path, a file or directory to be written, for this run until Release. If another run has it, the error
// says which. The lock of a killed run is free. On file systems without locks it succeeds.
func LockOutput(path string) (*Lock, error) { return LockFor("output", path) }

// LockFor is LockOutput of an output that has another name than "output" in errors.
func LockFor(what, path string) (*Lock, error) {
	at := lockPath(path)
	for range attempts {
		f, err := os.OpenFile(at, os.O_RDWR|os.O_CREATE, 0o666)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s %s: there is no directory %s; make it first, or name another", what, path, filepath.Dir(at))
		}
		if err != nil {
			return nil, fmt.Errorf("lock %s %s: %w", what, path, err)
		}
		err = lock(f)
		if errors.Is(err, errLocked) {
			defer f.Close()
			return nil, inUse(what, path, f)
		}
		if err != nil {
			discard(f)
			return &Lock{}, nil
		}
		if !stillAt(f, at) { // its holder has just removed it
			f.Close()
			continue
		}
		if err := sign(f); err != nil {
			discard(f)
			return nil, fmt.Errorf("lock %s %s: %w", what, path, err)
		}
		return &Lock{f}, nil
	}
	return nil, fmt.Errorf("lock %s %s: %s vanishes each time that it is made; does another program clean that directory?", what, path, at)
}

func lockPath(path string) string {
	path = filepath.Clean(path)
	if IsDir(path) {
		return filepath.Join(path, lockName)
	}
	dir, base := filepath.Split(path)
	return filepath.Join(dir, "."+base+lockName)
}

// sign writes to the lock who holds it.
func sign(f *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "process %d on %s, since %s\n", os.Getpid(), host, time.Now().Format(time.DateTime+" MST")), 0)
	return err
}

// inUse is the error of an output that another run has.
func inUse(what, path string, f *os.File) error {
	text, _ := io.ReadAll(io.NewSectionReader(f, 0, 1<<10)) // who it is is a help, no more
	holder := strings.TrimSpace(string(text))
	if holder == "" {
		holder = "another run"
	}
	return fmt.Errorf("%s %s is in use by %s; wait until that run has ended, or name another", what, path, holder)
}

// Release gives the output free.
func (l *Lock) Release() {
	if l.file != nil {
		removeLocked(l.file)
		l.file = nil
	}
}
