package disk

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A temporary is a hidden file beside the name that it will take; its own name ends in tempSuffix. It is locked while its
// writer lives. One without a lock was left by a killed run, and the next writer in the same directory removes it.
const (
	tempSuffix  = ".loupe-tmp"
	longestBase = 100 // bytes of the future name that are part of a temporary's
)

// tempName is a new name beside path.
func tempName(path string) string {
	dir, base := filepath.Split(path)
	return filepath.Join(dir, "."+base[:min(len(base), longestBase)]+"."+owner()+rand.Text()[:10]+tempSuffix)
}

func isTemp(name string) bool {
	return strings.HasPrefix(name, ".") && strings.HasSuffix(name, tempSuffix)
}

// attempts bounds how often a temporary is made again because a sweep removed it in the moment before it was locked.
const attempts = 100

// createTemp makes a new file beside path, locked while it is open. Like any new file it has the permissions that the umask
// leaves.
func createTemp(path string) (*os.File, error) {
	sweepOnce(filepath.Dir(path))
	for range attempts {
		f, err := os.OpenFile(tempName(path), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return nil, err
		}
		if lockNew(f) {
			return f, nil
		}
		discard(f)
	}
	return nil, fmt.Errorf("%s: temporary files beside it vanish; does another program clean that directory?", path)
}

// lockNew locks what was just made, and reports whether it is still there.
func lockNew(f *os.File) bool {
	if err := lock(f); errors.Is(err, errLocked) {
		return false
	}
	return stillAt(f, f.Name())
}

// stillAt reports whether an open file is what path names.
func stillAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

func discard(f *os.File) {
	_ = f.Close() // nothing in it is wanted
	_ = os.Remove(f.Name())
}

var swept sync.Map // directories that this process swept, as they were named

func sweepOnce(dir string) {
	if _, done := swept.LoadOrStore(dir, true); !done {
		Sweep(dir)
	}
}

// Sweep removes temporaries of killed runs from a directory. Those of live runs stay. So does what cannot be removed: it
// only takes space.
func Sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		left := isTemp(e.Name()) || strings.HasPrefix(e.Name(), ".") && strings.HasSuffix(e.Name(), lockName)
		if left && (e.IsDir() || e.Type().IsRegular()) {
			removeAbandoned(filepath.Join(dir, e.Name()))
		}
	}
}

// RemoveAll removes a directory. It hides it first, so that a run that is killed meanwhile leaves no half of it under its
// name.
func RemoveAll(path string) error {
	hidden := tempName(filepath.Clean(path))
	err := os.Rename(path, hidden)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(hidden)
}
