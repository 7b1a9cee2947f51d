package weights

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// WriteFileAtomic writes a file so that path holds either what it held before
// or all that write wrote, even across a crash: a temporary file in the same
// directory, synced, renamed over path, and the directory synced. Writing is
// buffered. The temporary file is removed when anything fails.
func WriteFileAtomic(path string, write func(w io.Writer) error) error {
	f, err := createAtomic(path)
	if err != nil {
		return err
	}
	defer f.abort() // does nothing after commit
	if err := write(f.w); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.commit()
}

// atomicFile is a file being written beside the name it will take.
type atomicFile struct {
	path string
	f    *os.File
	w    *bufio.Writer
}

func createAtomic(path string) (*atomicFile, error) {
	if err := replaceable(path); err != nil {
		return nil, err
	}
	f, err := createBeside(path, "tmp")
	if err != nil {
		return nil, err
	}
	return &atomicFile{path: path, f: f, w: bufio.NewWriterSize(f, 1<<20)}, nil
}

// replaceable refuses to rename over a directory or a device.
func replaceable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("write %s: it is a directory; name a file", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("write %s: it is not a regular file; name one", path)
	}
	return nil
}

// createBeside makes a new hidden file in path's directory. Unlike
// os.CreateTemp it leaves the permissions to the umask, as for any new file.
func createBeside(path, kind string) (*os.File, error) {
	dir, base := filepath.Split(path)
	name := filepath.Join(dir, "."+base+"."+rand.Text()[:10]+"."+kind)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return f, nil
}

// commit makes the file permanent under its name. After it, abort does nothing.
func (a *atomicFile) commit() error {
	if a.f == nil {
		return fmt.Errorf("write %s: already closed", a.path)
	}
	err := a.w.Flush()
	if err == nil {
		err = a.f.Sync()
	}
	name := a.f.Name()
	if closed := a.f.Close(); err == nil {
		err = closed
	}
	a.f = nil
	if err == nil {
		err = os.Rename(name, a.path)
	}
	if err != nil {
		_ = os.Remove(name) // the first error is the one to report
		return fmt.Errorf("write %s: %w", a.path, err)
	}
	return SyncDir(filepath.Dir(a.path))
}

// abort gives up: the temporary file goes, path stays as it was.
func (a *atomicFile) abort() {
	if a.f != nil {
		discard(a.f)
		a.f = nil
	}
}

func discard(f *os.File) {
	_ = f.Close() // nothing in it is wanted
	_ = os.Remove(f.Name())
}

// SyncDir makes a rename within dir durable. Some file systems cannot sync a
// directory, and Windows has no such call: there the rename is as durable as it
// gets.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	defer d.Close()
	err = d.Sync()
	if err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
