package disk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// WriteFile writes a file so that path holds either its old content or all of the new one, even after a crash. It writes a
// temporary file in the same directory, syncs it, renames it over path, and syncs the directory. Writing is buffered. The
// temporary is removed if anything fails, or by the next run if this one is killed. Errors name path.
func WriteFile(path string, write func(w io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort() // does nothing after Commit
	if err := write(f); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Commit()
}

// File is a file being written beside the name that it will take. What is written to it is buffered.
type File struct {
	*bufio.Writer
	// Temp is the temporary file, for writing elsewhere in it than at its end; flush before.
	Temp *os.File

	path string // that it was asked for by
	to   string // where it goes: path, or what path is a link to
	mode fs.FileMode
}

// Create begins a file at path. On any way out call Commit or Abort.
func Create(path string) (*File, error) {
	to, mode, err := replaceable(path)
	if err != nil {
		return nil, err
	}
	f, err := createTemp(to)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &File{bufio.NewWriterSize(f, 1<<20), f, path, to, mode}, nil
}

// replaceable refuses to rename over a directory or a device, and follows links. mode is the mode of the file that is
// there, 0 for none.
func replaceable(path string) (to string, mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, 0, nil
	case err != nil:
		return "", 0, fmt.Errorf("write %s: %w", path, err)
	case info.IsDir():
		return "", 0, fmt.Errorf("write %s: it is a directory; name a file", path)
	case !info.Mode().IsRegular():
		return "", 0, fmt.Errorf("write %s: it is not a regular file; name one", path)
	}
	if to, err = filepath.EvalSymlinks(path); err != nil {
		return "", 0, fmt.Errorf("write %s: %w", path, err)
	}
	return to, info.Mode().Perm(), nil
}

// Path is the name that the file was asked for by.
func (f *File) Path() string { return f.path }

// Commit makes the file permanent under its name. After it, Abort does nothing.
func (f *File) Commit() error {
	if f.Temp == nil {
		return fmt.Errorf("write %s: already closed", f.path)
	}
	temp := f.Temp
	f.Temp = nil
	err := f.Flush()
	if err == nil && f.mode != 0 {
		err = temp.Chmod(f.mode)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err == nil {
		err = beforeRename(temp)
	}
	if err == nil {
		err = os.Rename(temp.Name(), f.to)
	}
	if err != nil {
		discard(temp) // the first error is the one to report
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	_ = temp.Close() // all was synced, and somebody may have closed it before
	return SyncDir(filepath.Dir(f.to))
}

// Abort removes the temporary and leaves path as it was.
func (f *File) Abort() {
	if f.Temp != nil {
		discard(f.Temp)
		f.Temp = nil
	}
}

// SyncDir makes a rename within dir durable. Some file systems cannot sync a directory, and Windows has no such call: there
// the rename is as durable as it gets.
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
