package tiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/loupe-vl/loupe/weights/disk"
	"golang.org/x/mod/sumdb/tlog"
)

// Check reads the whole log and computes every hash again. It shows that entries, tiles and checkpoint belong together, and
// that none is missing, swapped or changed. each, unless it is nil, is called with every entry in order. The error is the
// first check that fails. Memory does not grow with the log.
func (r *Reader) Check(ctx context.Context, each func(i int64, entry []byte) error) error {
	e := &edge{}
	size := r.Checkpoint.Tree.N
	for n := int64(0); n*Width < size; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		w := r.width(n)
		entries, err := r.bundle(n, w)
		if err != nil {
			return missing(entryTile(n, w), n*Width, err)
		}
		var bundle []byte
		var ends []int // of the bundle after each entry
		for i, entry := range entries {
			if err := e.add(tlog.RecordHash(entry)); err != nil {
				return err
			}
			bundle = appendEntry(bundle, entry)
			ends = append(ends, len(bundle))
			if each != nil {
				if err := each(n*Width+int64(i), entry); err != nil {
					return err
				}
			}
		}
		if err := r.compare(entryTile(n, w), bundle, func(w int) int { return ends[w-1] }); err != nil {
			return err
		}
		if err := r.compareFull(e); err != nil {
			return err
		}
	}
	for level, t := range e.levels {
		if w := len(t.data) / tlog.HashSize; w > 0 {
			if err := r.compareHashes(tlog.Tile{H: Height, L: level, N: t.n, W: w}, t.data); err != nil {
				return err
			}
		}
	}
	root, err := e.root()
	if err != nil {
		return err
	}
	if root != r.Checkpoint.Tree.Hash {
		return fmt.Errorf("log %s: its %d entries and tiles agree, and have the root %v, but the checkpoint says %v: entries and tiles were replaced together", r.Dir, size, root, r.Checkpoint.Tree.Hash)
	}
	return nil
}

func missing(t tlog.Tile, entry int64, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing, with entries from %d on: the log is not whole", tilePath(t), entry)
	}
	return fmt.Errorf("entries from %d on: %w", entry, err)
}

// compareFull compares the tiles that have become full with their files.
func (r *Reader) compareFull(e *edge) error {
	for _, f := range e.full {
		if err := r.compareHashes(f.tile, f.data); err != nil {
			return err
		}
	}
	e.full = nil
	return nil
}

func (r *Reader) compareHashes(t tlog.Tile, data []byte) error {
	return r.compare(t, data, func(w int) int { return w * tlog.HashSize })
}

// compare compares every file of a tile, full or partial, with data, which was computed from the entries. Of the first w
// hashes or entries data has length(w) bytes.
func (r *Reader) compare(t tlog.Tile, data []byte, length func(w int) int) error {
	must := filepath.Join(r.Dir, filepath.FromSlash(tilePath(t)))
	if _, err := os.Lstat(must); err != nil {
		return missing(t, firstEntry(t), err)
	}
	whole := t
	whole.W = Width
	widths := []int{t.W}
	partial, err := os.ReadDir(filepath.Join(r.Dir, filepath.FromSlash(tilePath(whole)+".p")))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s.p: %w", tilePath(whole), err)
	}
	for _, p := range partial {
		if w, err := strconv.Atoi(p.Name()); err == nil && w > 0 && w < t.W && strconv.Itoa(w) == p.Name() {
			widths = append(widths, w)
		}
	}
	for _, w := range widths {
		part := t
		part.W = w
		got, err := disk.Read(filepath.Join(r.Dir, filepath.FromSlash(tilePath(part))), maxBundle)
		if err != nil {
			return fmt.Errorf("%s: %w", tilePath(part), err)
		}
		if want := data[:length(w)]; !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not what entries %d to %d give: it or one of them was changed (they differ from %s on)", tilePath(part), firstEntry(t), firstEntry(t)+int64(w)<<(Height*max(t.L, 0))-1, where(t, got, want))
		}
	}
	return nil
}

// firstEntry is the first entry below a tile.
func firstEntry(t tlog.Tile) int64 { return t.N << Height << (Height * max(t.L, 0)) }

// where says at which byte or hash two versions of a tile first differ.
func where(t tlog.Tile, got, want []byte) string {
	n := min(len(got), len(want))
	at := 0
	for at < n && got[at] == want[at] {
		at++
	}
	if t.L == entryLevel {
		return fmt.Sprintf("byte %d", at)
	}
	return fmt.Sprintf("hash %d", at/tlog.HashSize)
}

// Leftovers lists files in the log's directory that are not part of the log: tiles that no checkpoint covers, left by a
// writer that died, and strange ones.
func (r *Reader) Leftovers() (uncovered, strange []string, err error) {
	err = filepath.WalkDir(r.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(r.Dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch t, ok := parsePath(rel); {
		case e.IsDir() && rel == tornName:
			return fs.SkipDir
		case e.IsDir(), rel == checkpointName, ok && covered(t, r.Checkpoint.Tree.N):
		case ok, disk.IsBatchTemp(rel):
			uncovered = append(uncovered, rel)
		default:
			strange = append(strange, rel)
		}
		return nil
	})
	return uncovered, strange, err
}
