package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File is a file to write: its path and all its bytes.
type File struct {
	Path string
	Data []byte
}

// temporary begins and ends the names of files that are not whole yet.
const prefix, suffix = ".loupe-", ".part"

// Write makes all files durable under their names below the directory root, which is there, or fails; directories are made as
// needed. After an error some may be there and some not, each of them whole. A file that is there is replaced. Files that are not
// whole yet lie in root itself: Clean finds those of a writer that died without a walk.
func Write(root string, files []File) error {
	temporary := make([]string, len(files))
	defer func() {
		for _, name := range temporary {
			if name != "" {
				_ = os.Remove(name) // the first error is the one to report
			}
		}
	}()
	made := map[string]bool{} // directories to sync
	for i, f := range files {
		dir := filepath.Dir(f.Path)
		if err := makeDirs(dir, made); err != nil {
			return err
		}
		made[dir] = true
		name := filepath.Join(root, prefix+rand.Text()[:12]+suffix)
		temporary[i] = name
		if err := writeFile(name, f.Data, len(files) <= alone); err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
	}
	if len(files) > alone {
		if err := syncAll(root, temporary); err != nil {
			return fmt.Errorf("sync %s: %w", root, err)
		}
	}
	for i, f := range files {
		if err := os.Rename(temporary[i], f.Path); err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
		temporary[i] = ""
	}
	return syncDirs(root, made)
}

// alone is the most files that are synced one by one.
const alone = 8

func writeFile(name string, data []byte, sync bool) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && sync {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// makeDirs makes dir and what lies above it. What holds a new directory is to be synced.
func makeDirs(dir string, sync map[string]bool) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDirs(parent, sync); err != nil {
		return err
	}
	sync[parent] = true
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// syncEach syncs files, or directories, one by one.
func syncEach(names []string) error {
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = f.Sync()
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Clean removes what a writer of root that died had begun. No writer may run.
func Clean(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if Temporary(e.Name()) {
			if err := os.Remove(filepath.Join(root, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Temporary reports whether a file's name is that of one that a writer had begun when it died. It may be removed once no writer runs.
func Temporary(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, prefix) && strings.HasSuffix(base, suffix)
}
