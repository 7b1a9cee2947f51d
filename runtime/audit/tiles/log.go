package tiles

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights/disk"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// emptyRoot is the root of a tree without leaves: the SHA-256 of nothing.
var emptyRoot, _ = tlog.TreeHash(0, nil)

// Log is the one writer of a log. It is not safe for concurrent use: the caller queues entries, and makes sure that no
// second process writes.
type Log struct {
	dir    string
	origin string
	edge   *edge
	tail   []byte // the entries of the tile that is not whole yet
	broken error  // set after a write that failed: the state on disk is then unknown
}

// checkpointName is the file of the checkpoint.
const checkpointName = "checkpoint"

// Create begins an empty log in dir, which must hold none, and signs its first checkpoint.
func Create(dir, origin string, signers ...note.Signer) (*Log, error) {
	if _, err := os.Stat(filepath.Join(dir, checkpointName)); err == nil {
		return nil, fmt.Errorf("create log %s: it holds a log already; open that", dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("create log: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "tile")); err == nil {
		return nil, fmt.Errorf("create log %s: it holds tiles and no checkpoint; the checkpoint was lost: put it back, or name another directory", dir)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	l := &Log{dir: dir, origin: origin, edge: &edge{}}
	return l, l.sign(signers)
}

// Open opens the log in dir for appending. One of the keys must have signed its checkpoint. Files that no checkpoint
// covers, left by a writer that died, are moved aside; torn are their new places, to be reported.
func Open(dir string, keys note.Verifiers) (l *Log, torn []string, err error) {
	r, err := OpenReader(dir, keys)
	if err != nil {
		return nil, nil, err
	}
	if torn, err = setAside(dir, r.Checkpoint.Tree.N); err != nil {
		return nil, nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	l = &Log{dir: dir, origin: r.Checkpoint.Origin}
	if l.edge, err = loadEdge(r.Checkpoint.Tree.N, r.readTile); err != nil {
		return nil, nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	if root, err := l.edge.root(); err != nil || root != r.Checkpoint.Tree.Hash {
		return nil, nil, fmt.Errorf("open log %s: its last tiles do not give the root of its checkpoint; `loupe audit check` says which entry differs", dir)
	}
	if w := int(l.edge.size % Width); w > 0 {
		entries, err := r.bundle(l.edge.size/Width, w)
		if err != nil {
			return nil, nil, fmt.Errorf("open log %s: %w", dir, err)
		}
		for _, e := range entries {
			l.tail = appendEntry(l.tail, e)
		}
	}
	return l, torn, nil
}

// Size is how many entries the log has: the number of the next one.
func (l *Log) Size() int64 { return l.edge.size }

// Origin is the log's name, the first line of its checkpoints.
func (l *Log) Origin() string { return l.origin }

// Append adds entries and signs a checkpoint that covers them. They are durable when it returns nil. After an error the log
// takes no more entries: open it again, which moves unfinished files aside.
func (l *Log) Append(entries [][]byte, signers ...note.Signer) error {
	if l.broken != nil {
		return fmt.Errorf("append to log %s: a write failed before (%w); nothing more is taken", l.dir, l.broken)
	}
	for _, e := range entries {
		if len(e) > MaxEntry {
			return fmt.Errorf("append to log %s: an entry has %d bytes, and the format holds %d; nothing was written", l.dir, len(e), MaxEntry)
		}
	}
	l.broken = errors.New("it was stopped")
	if err := l.append(entries, signers); err != nil {
		l.broken = err
		return err
	}
	l.broken = nil
	return nil
}

func (l *Log) append(entries [][]byte, signers []note.Signer) error {
	old := l.edge.size
	var files []disk.BatchFile
	keep := func(t tlog.Tile, data []byte) {
		files = append(files, disk.BatchFile{Path: filepath.Join(l.dir, filepath.FromSlash(tilePath(t))), Data: data})
	}
	var whole []tlog.Tile
	for _, e := range entries {
		n := l.edge.size
		if err := l.edge.add(tlog.RecordHash(e)); err != nil {
			return err
		}
		if l.tail = appendEntry(l.tail, e); l.edge.size%Width == 0 {
			t := entryTile(n/Width, Width)
			keep(t, l.tail)
			whole = append(whole, t)
			l.tail = nil
		}
	}
	if w := int(l.edge.size % Width); w > 0 && len(entries) > 0 {
		keep(entryTile(l.edge.size/Width, w), l.tail)
	}
	if err := disk.WriteBatch(l.dir, files); err != nil {
		return err
	}
	files = files[:0]
	for _, t := range tlog.NewTiles(Height, old, l.edge.size) {
		data, err := l.edge.data(t)
		if err != nil {
			return err
		}
		keep(t, data)
		if t.W == Width {
			whole = append(whole, t)
		}
	}
	if err := disk.WriteBatch(l.dir, files); err != nil {
		return err
	}
	l.edge.full = nil
	if err := l.sign(signers); err != nil {
		return err
	}
	for _, t := range whole {
		// tlog-tiles allows partial tiles to be removed once the full one is there. One that stays does no harm.
		_ = os.RemoveAll(filepath.Join(l.dir, filepath.FromSlash(tilePath(t)+".p")))
	}
	return nil
}

// sign writes the checkpoint of what the log holds now.
func (l *Log) sign(signers []note.Signer) error {
	root, err := l.edge.root()
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: checkpointText(l.origin, tlog.Tree{N: l.edge.size, Hash: root})}, signers...)
	if err != nil {
		return fmt.Errorf("sign the checkpoint of %s: %w", l.dir, err)
	}
	return disk.WriteBatch(l.dir, []disk.BatchFile{{Path: filepath.Join(l.dir, checkpointName), Data: signed}})
}

// Sign signs the checkpoint anew, by other keys.
func (l *Log) Sign(signers ...note.Signer) error { return l.sign(signers) }
