package tiles

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights/disk"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Reader reads a log up to its checkpoint. It is safe for concurrent use, also while the log grows.
type Reader struct {
	Dir        string
	Checkpoint Checkpoint
	Signed     []byte // the checkpoint's file
}

// OpenReader reads the checkpoint of the log in dir, which one of the keys must have signed.
func OpenReader(dir string, keys note.Verifiers) (*Reader, error) {
	signed, err := disk.Read(filepath.Join(dir, checkpointName), 1<<16)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open log %s: it has no file `checkpoint`; give the directory of a log", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	c, err := ParseCheckpoint(signed, keys)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	return &Reader{Dir: dir, Checkpoint: c, Signed: signed}, nil
}

// maxBundle is the most bytes of a tile of entries.
const maxBundle = Width * (MaxEntry + 2)

// readTile reads the first t.W hashes of a tile, from the file of the partial tile or from the full tile that replaced it.
// Of a tile of entries it returns the whole file.
func (r *Reader) readTile(t tlog.Tile) ([]byte, error) {
	limit := int64(Width * tlog.HashSize)
	if t.L == entryLevel {
		limit = maxBundle
	}
	whole := t
	whole.W = Width
	var first error
	for _, try := range []tlog.Tile{t, whole} {
		data, err := disk.Read(filepath.Join(r.Dir, filepath.FromSlash(tilePath(try))), limit)
		if err != nil {
			first = cmp.Or(first, err)
			continue
		}
		if t.L != entryLevel {
			if len(data) != try.W*tlog.HashSize {
				return nil, fmt.Errorf("%s has %d bytes, and %d hashes have %d", tilePath(try), len(data), try.W, try.W*tlog.HashSize)
			}
			data = data[:t.W*tlog.HashSize]
		}
		return data, nil
	}
	return nil, first
}

// bundle reads the first w entries of entry tile n.
func (r *Reader) bundle(n int64, w int) ([][]byte, error) {
	t := entryTile(n, w)
	data, err := r.readTile(t)
	if err != nil {
		return nil, err
	}
	entries, err := SplitBundle(data, w)
	if err != nil { // the whole tile may have been read in its place
		if all, err := SplitBundle(data, Width); err == nil {
			return all[:w], nil
		}
		return nil, fmt.Errorf("%s: %w", tilePath(t), err)
	}
	return entries, nil
}

// width is how many entries of tile n the log has.
func (r *Reader) width(n int64) int { return int(min(Width, r.Checkpoint.Tree.N-n*Width)) }

// Entry reads entry i and checks, by the hashes above it, that it belongs to the log.
func (r *Reader) Entry(i int64) ([]byte, error) {
	if i < 0 || i >= r.Checkpoint.Tree.N {
		return nil, fmt.Errorf("log %s has entries 0 to %d, and none with number %d", r.Dir, r.Checkpoint.Tree.N-1, i)
	}
	entries, err := r.bundle(i/Width, r.width(i/Width))
	if err != nil {
		return nil, fmt.Errorf("read entry %d: %w", i, err)
	}
	entry := entries[i%Width]
	hashes, err := r.Hashes().ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
	if err != nil {
		return nil, fmt.Errorf("read entry %d: %w", i, err)
	}
	if hashes[0] != tlog.RecordHash(entry) {
		return nil, fmt.Errorf("entry %d of log %s is not the one that the log's hashes have: it was changed", i, r.Dir)
	}
	return entry, nil
}

// Entries reads entries in order, starting at number from, without checking hashes. An error ends the sequence.
func (r *Reader) Entries(from int64) iter.Seq2[int64, EntryOrError] {
	return func(yield func(int64, EntryOrError) bool) {
		for n := from / Width; n*Width < r.Checkpoint.Tree.N; n++ {
			entries, err := r.bundle(n, r.width(n))
			if err != nil {
				yield(n*Width, EntryOrError{Err: err})
				return
			}
			for i, e := range entries {
				if at := n*Width + int64(i); at >= from && !yield(at, EntryOrError{Entry: e}) {
					return
				}
			}
		}
	}
}

// EntryOrError is what [Reader.Entries] gives with a number: an entry, or why there are no more.
type EntryOrError struct {
	Entry []byte
	Err   error
}

// Hashes are the tree's hashes, each checked against the checkpoint.
func (r *Reader) Hashes() tlog.HashReader {
	return tlog.TileHashReader(r.Checkpoint.Tree, tileReader{r})
}

// tileReader implements tlog.TileReader.
type tileReader struct{ r *Reader }

func (t tileReader) Height() int { return Height }

func (t tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, tile := range tiles {
		// The log keeps the widest tile for its size; tlog may ask for a narrower one.
		wide := tile
		n := t.r.Checkpoint.Tree.N
		for range tile.L {
			n >>= Height
		}
		wide.W = int(min(Width, n-tile.N*Width))
		data, err := t.r.readTile(wide)
		if err != nil {
			return nil, err
		}
		if len(data) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes, too few for %d hashes", tilePath(wide), len(data), tile.W)
		}
		out[i] = bytes.Clone(data[:tile.W*tlog.HashSize])
	}
	return out, nil
}

func (t tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
