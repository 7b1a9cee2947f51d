package tiles

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is the right-hand edge of a growing tree: the partial tile of each level. It holds all hashes that an append or a
// root needs, and implements tlog.HashReader for them.
type edge struct {
	size   int64
	levels []edgeTile
	full   []fullTile // tiles that became whole since they were last taken
}

// edgeTile is the partial tile n of a level, with its hashes so far.
type edgeTile struct {
	n    int64
	data []byte
}

// fullTile is a full tile to be written.
type fullTile struct {
	tile tlog.Tile
	data []byte
}

// loadEdge reads the edge of a tree of this size through read, which gives the bytes of a tile.
func loadEdge(size int64, read func(tlog.Tile) ([]byte, error)) (*edge, error) {
	e := &edge{size: size}
	for level, n := 0, size; n > 0; level, n = level+1, n>>Height {
		t := edgeTile{n: n >> Height}
		if w := int(n & (Width - 1)); w > 0 {
			data, err := read(tlog.Tile{H: Height, L: level, N: t.n, W: w})
			if err != nil {
				return nil, err
			}
			t.data = append([]byte(nil), data...)
		}
		e.levels = append(e.levels, t)
	}
	return e, nil
}

// ReadHashes implements tlog.HashReader.
func (e *edge) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		t := tlog.TileForIndex(Height, index)
		data := e.find(t)
		if data == nil {
			return nil, fmt.Errorf("hash %d is not at the tree's edge", index)
		}
		var err error
		if out[i], err = tlog.HashFromTile(t, data, index); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *edge) find(t tlog.Tile) []byte {
	if t.L < len(e.levels) && e.levels[t.L].n == t.N {
		return e.levels[t.L].data
	}
	for _, f := range e.full {
		if f.tile.L == t.L && f.tile.N == t.N {
			return f.data
		}
	}
	return nil
}

// add appends a leaf.
func (e *edge) add(leaf tlog.Hash) error {
	first := tlog.StoredHashIndex(0, e.size)
	hashes, err := tlog.StoredHashesForRecordHash(e.size, leaf, e)
	if err != nil {
		return fmt.Errorf("append to the tree: %w", err)
	}
	e.size++
	for i, h := range hashes {
		if level, n := tlog.SplitStoredHashIndex(first + int64(i)); level%Height == 0 {
			e.push(level/Height, n, h)
		}
	}
	return nil
}

// push adds hash n of a level of tiles.
func (e *edge) push(level int, n int64, h tlog.Hash) {
	if level == len(e.levels) {
		e.levels = append(e.levels, edgeTile{n: n >> Height})
	}
	t := &e.levels[level]
	t.data = append(t.data, h[:]...)
	if len(t.data) == Width*tlog.HashSize {
		e.full = append(e.full, fullTile{tlog.Tile{H: Height, L: level, N: t.n, W: Width}, t.data})
		*t = edgeTile{n: t.n + 1}
	}
}

// root is the hash of the whole tree. The root of an empty tree is the SHA-256 of no bytes.
func (e *edge) root() (tlog.Hash, error) {
	if e.size == 0 {
		return emptyRoot, nil
	}
	return tlog.TreeHash(e.size, e)
}

// data is the bytes of a tile that tlog.NewTiles names.
func (e *edge) data(t tlog.Tile) ([]byte, error) {
	data := e.find(t)
	if len(data) < t.W*tlog.HashSize {
		return nil, fmt.Errorf("tile %s is not at the tree's edge", tilePath(t))
	}
	return data[:t.W*tlog.HashSize], nil
}
