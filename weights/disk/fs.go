package disk

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// FS is the directory dir as a file system. Its files are opened as by Open; fs.ReadFile reads at most JSONLimit bytes.
// Errors have the whole path of a file.
func FS(dir string) fs.FS { return directory(dir) }

type directory string

func (d directory) path(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(string(d), filepath.FromSlash(name)), nil
}

// Open implements fs.FS. A directory is opened too, so that it can be listed.
func (d directory) Open(name string) (fs.File, error) {
	path, err := d.path("open", name)
	if err != nil {
		return nil, err
	}
	if IsDir(path) {
		return os.Open(path)
	}
	f, _, err := Open(path, math.MaxInt64)
	if err != nil {
		return nil, err // not f, which as an fs.File is not nil
	}
	return f, nil
}

// ReadFile implements fs.ReadFileFS.
func (d directory) ReadFile(name string) ([]byte, error) {
	path, err := d.path("read", name)
	if err != nil {
		return nil, err
	}
	return Read(path, JSONLimit)
}

// Stat implements fs.StatFS.
func (d directory) Stat(name string) (fs.FileInfo, error) {
	path, err := d.path("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(path)
}
