package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dir is a directory being written beside the name that it will take.
type Dir struct {
	// Temp is the path to write below.
	Temp string

	path string
	out  *Lock    // of the output
	held *os.File // keeps the temporary's lock; nil where directories have none
}

// CreateDir begins a directory at path and locks it for this run: see LockOutput. There may be nothing at path yet but an
// empty directory. On any way out call Commit or Abort. Every file below it must be synced by whoever writes it, as
// WriteFile does.
func CreateDir(path string) (*Dir, error) {
	path = filepath.Clean(path)
	if err := RequireEmpty(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("make the directory of the output: %w", err)
	}
	out, err := LockOutput(path)
	if err != nil {
		return nil, err
	}
	d, err := createDir(path)
	if err != nil {
		out.Release()
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	d.out = out
	return d, nil
}

func createDir(path string) (*Dir, error) {
	beside := path
	if isMount(path) { // nothing can be renamed to it, but into it
		beside = filepath.Join(path, filepath.Base(path))
	}
	sweepOnce(filepath.Dir(beside))
	for range attempts {
		d := &Dir{Temp: tempName(beside), path: path}
		if err := os.Mkdir(d.Temp, 0o777); err != nil {
			return nil, err
		}
		if d.hold() {
			return d, nil
		}
		d.Abort()
	}
	return nil, errors.New("temporary directories beside it vanish; does another program clean that place?")
}

// hold locks the directory, and reports whether it is still there.
func (d *Dir) hold() bool {
	f, err := os.Open(d.Temp)
	if err != nil {
		return false
	}
	if err := lock(f); err != nil && !errors.Is(err, errLocked) {
		f.Close()
		return true
	} else if err != nil || !stillAt(f, d.Temp) {
		f.Close()
		return false
	}
	d.held = f
	return true
}

// isMount reports whether a directory lies on another file system than its parent.
func isMount(path string) bool {
	a, err := os.Stat(path)
	if err != nil {
		return false
	}
	b, err := os.Stat(filepath.Dir(path))
	return err == nil && !sameDevice(a, b)
}

// RequireEmpty is an error if there is anything but an empty directory at path, which writing there would mix with or
// replace. Locks and temporaries of runs do not count, nor do the names in but.
func RequireEmpty(path string, but ...string) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		if info, statErr := os.Stat(path); statErr == nil && !info.IsDir() {
			return fmt.Errorf("output %s is there and is no directory; name one that is new or empty", path)
		}
		return fmt.Errorf("look into the output: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); !isTemp(name) && name != lockName && !slices.Contains(but, name) {
			return fmt.Errorf("output %s holds %s already; name a directory that is new or empty", path, name)
		}
	}
	return nil
}

// Commit makes the directory appear. After it, Abort does nothing.
func (d *Dir) Commit() (err error) {
	if err := syncDirs(d.Temp); err != nil {
		return fmt.Errorf("write %s: %w", d.path, err)
	}
	if filepath.Dir(d.Temp) == d.path {
		err = d.moveInto()
	} else {
		err = d.rename()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", d.path, err)
	}
	d.release()
	d.Temp = ""
	return SyncDir(filepath.Dir(d.path))
}

// rename gives the directory its name, in place of an empty one.
func (d *Dir) rename() error {
	to, err := filepath.EvalSymlinks(d.path)
	if err != nil { // there is nothing yet
		return os.Rename(d.Temp, d.path)
	}
	d.out.Release() // its lock lies within
	Sweep(to)
	if err := os.Remove(to); err != nil {
		return fmt.Errorf("it is no longer empty: %w", err)
	}
	return os.Rename(d.Temp, to)
}

// moveInto moves the content of the temporary into the directory. A config.json comes last: without it the directory is not
// a model.
func (d *Dir) moveInto() error {
	if err := RequireEmpty(d.path); err != nil {
		return err
	}
	entries, err := os.ReadDir(d.Temp)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int {
		return strings.Compare(lastIfConfig(a.Name()), lastIfConfig(b.Name()))
	})
	for _, e := range entries {
		if err := os.Rename(filepath.Join(d.Temp, e.Name()), filepath.Join(d.path, e.Name())); err != nil {
			return err
		}
	}
	if err := os.Remove(d.Temp); err != nil {
		return err
	}
	return SyncDir(d.path)
}

func lastIfConfig(name string) string {
	if name == "config.json" {
		return "\xff"
	}
	return name
}

// syncDirs makes the names below dir durable; their content was synced by whoever wrote it.
func syncDirs(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			err = SyncDir(path)
		}
		return err
	})
}

// Abort removes what was written.
func (d *Dir) Abort() {
	if d.Temp != "" {
		_ = os.RemoveAll(d.Temp)
		d.release()
		d.Temp = ""
	}
}

func (d *Dir) release() {
	if d.out != nil {
		d.out.Release()
	}
	if d.held != nil {
		d.held.Close()
		d.held = nil
	}
}
