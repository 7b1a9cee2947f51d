package tiles

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Height is the height of a tile: it has 2^8 hashes, as tlog-tiles prescribes.
const Height = 8

// Width is the number of hashes or entries in a full tile.
const Width = 1 << Height

// MaxEntry is the most bytes of an entry: its length is a uint16.
const MaxEntry = 1<<16 - 1

// entryLevel is tlog's number for tiles of entries.
const entryLevel = -1

// tilePath is the path of a tile below the log's directory: tlog's path without the height, which is always 8.
func tilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", t.H))
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		path = "entries/" + rest
	}
	return "tile/" + path
}

// parsePath is the inverse of tilePath; false: no tile has that path.
func parsePath(path string) (tlog.Tile, bool) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok {
		return tlog.Tile{}, false
	}
	if entries, ok := strings.CutPrefix(rest, "entries/"); ok {
		rest = "data/" + entries
	}
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", Height, rest))
	return t, err == nil && tilePath(t) == path
}

// entryTile is the tile of entries N, of which a tree of some size holds w.
func entryTile(n int64, w int) tlog.Tile { return tlog.Tile{H: Height, L: entryLevel, N: n, W: w} }
