package tiles

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/loupe-vl/loupe/weights/disk"
	"golang.org/x/mod/sumdb/tlog"
)

// tornName is the folder for what a writer that died had begun.
const tornName = "torn"

// setAside moves away the tiles beyond a log of this size, and removes temporaries.
func setAside(dir string, size int64) (moved []string, err error) {
	if err := disk.CleanBatch(dir); err != nil {
		return nil, err
	}
	to := filepath.Join(dir, tornName, time.Now().UTC().Format("20060102T150405.000000000"))
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			if err == nil && e.Name() == tornName {
				return fs.SkipDir
			}
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		t, ok := parsePath(filepath.ToSlash(rel))
		if !ok || covered(t, size) {
			return nil
		}
		place := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(place), 0o777); err != nil {
			return err
		}
		moved = append(moved, place)
		return os.Rename(path, place)
	})
	if err != nil {
		return moved, fmt.Errorf("set aside what was begun: %w", err)
	}
	return moved, nil
}

// covered reports whether all of a tile belongs to a log of this size.
func covered(t tlog.Tile, size int64) bool {
	hashes := size
	for range t.L { // none for entries and level 0
		hashes >>= Height
	}
	return t.N<<Height+int64(t.W) <= hashes
}
