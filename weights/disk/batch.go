package disk

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// BatchFile is a file of a batch: its path and all its bytes.
type BatchFile struct {
	Path string
	Data []byte
}

// The names of a batch's temporaries begin with batchPrefix and end in batchSuffix. They carry no lock of their own, as those
// of WriteFile do: whoever writes batches into a directory holds a lock on it.
const batchPrefix, batchSuffix = ".loupe-", ".part"

// fewFiles is the most files of a batch that are synced one by one.
const fewFiles = 8

// WriteBatch makes small files durable under their names below root, a directory that is there. Each is written to a
// temporary, synced and renamed, and the directories are synced after; directories are made as needed, and a file that is
// there is replaced. The files of a batch share their syncs, so that a log of many small entries is not bound by one sync a
// file. After an error some of the files may be there, each of them whole. Temporaries lie in root itself, where [CleanBatch]
// finds those of a writer that died.
func WriteBatch(root string, files []BatchFile) error {
	temporary := make([]string, len(files))
	defer func() {
		for _, name := range temporary {
			if name != "" {
				_ = os.Remove(name) // the first error is the one to report
			}
		}
	}()
	changed := map[string]bool{} // directories to sync
	for i, f := range files {
		dir := filepath.Dir(f.Path)
		if err := makeDirs(dir, changed); err != nil {
			return err
		}
		changed[dir] = true
		temporary[i] = filepath.Join(root, batchPrefix+rand.Text()[:12]+batchSuffix)
		if err := writeNew(temporary[i], f.Data, len(files) <= fewFiles); err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
	}
	if len(files) > fewFiles {
		if err := syncFiles(root, temporary); err != nil {
			return fmt.Errorf("sync %s: %w", root, err)
		}
	}
	for i, f := range files {
		if err := os.Rename(temporary[i], f.Path); err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
		temporary[i] = ""
	}
	return syncNames(root, changed)
}

// writeNew writes a file that is not there yet.
func writeNew(name string, data []byte, sync bool) error {
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

// makeDirs makes dir and what lies above it, and enters in changed the directories that got a new name.
func makeDirs(dir string, changed map[string]bool) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDirs(parent, changed); err != nil {
		return err
	}
	changed[parent] = true
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// syncEach makes the names in directories durable, one directory after the other.
func syncEach(dirs map[string]bool) error {
	for dir := range dirs {
		if err := SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// CleanBatch removes from root what a writer of batches left half-written when it died. No writer may run.
func CleanBatch(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if IsBatchTemp(e.Name()) {
			if err := os.Remove(filepath.Join(root, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// IsBatchTemp reports whether a file's name is that of a temporary of a batch. Such a file may be removed once no writer runs.
func IsBatchTemp(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, batchPrefix) && strings.HasSuffix(base, batchSuffix)
}
