package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/loupe-vl/loupe/runtime/audit/tiles"
	"github.com/loupe-vl/loupe/weights/disk"
)

// The parts of an audit directory.
const (
	logName  = "log"
	keptName = "kept"
	keysName = "keys"
	keyFile  = "audit.key" // the private key, unless it is kept elsewhere
)

// Options say how a directory of records is opened for writing. The zero value works.
type Options struct {
	// Name is the name of a new log; "": a random one.
	Name string
	// KeyFile is the file of the private key; "": DIR/keys/audit.key, made with a new log.
	KeyFile string
}

// Book is the one writer of a directory of records. Any number of goroutines may add to it. Events that arrive during a
// write share the next one. Close it once nobody adds any more.
type Book struct {
	Dir string
	// Torn are the new places of files that a writer left unfinished when it died. OpenBook moved them there.
	Torn []string

	key     *Key
	log     *tiles.Log
	last    Digest // of the last entry
	kept    kept
	release func()

	queue chan *pending
	done  chan struct{}
	mu    sync.RWMutex // held to read while adding
	over  bool
}

// pending is an event that waits to be durable.
type pending struct {
	event  event
	result chan result // of one element
}

type result struct {
	n   int64
	err error
}

// OpenBook opens the directory of records, or makes it. It is locked until Close; the error of a second writer names the
// first.
func OpenBook(dir string, o Options) (b *Book, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("open the audit directory: %w", err)
	}
	b = &Book{Dir: dir, kept: kept{filepath.Join(dir, keptName)}, queue: make(chan *pending), done: make(chan struct{})}
	if b.release, err = lock(dir); err != nil {
		return nil, fmt.Errorf("open the audit directory: %w", err)
	}
	defer func() {
		if err != nil {
			b.release()
		}
	}()
	if err := b.open(o); err != nil {
		return nil, fmt.Errorf("open the audit directory %s: %w", dir, err)
	}
	go b.write()
	return b, nil
}

func (b *Book) open(o Options) (err error) {
	if err := disk.CleanBatch(b.Dir); err != nil {
		return err
	}
	path := o.KeyFile
	if path == "" {
		path = filepath.Join(b.Dir, keysName, keyFile)
	}
	b.key, err = ReadKey(path)
	_, noLog := os.Stat(filepath.Join(b.Dir, logName, "checkpoint"))
	switch {
	case noLog == nil && err != nil:
		return fmt.Errorf("%w; the log goes on only with a key that signed it, or that `loupe audit key` added", err)
	case noLog == nil:
		return b.openLog(o)
	case errors.Is(err, fs.ErrNotExist) && o.KeyFile == "":
		if b.key, err = newKeyIn(b.Dir, o.Name); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	if err := writePublic(b.Dir, b.key.Public()); err != nil {
		return err
	}
	b.log, err = tiles.Create(filepath.Join(b.Dir, logName), b.key.signer.Name(), b.key.signer)
	return err
}

// newKeyIn makes the first key of a directory.
func newKeyIn(dir, name string) (*Key, error) {
	if name == "" {
		name = "loupe.invalid/" + strings.ToLower(randomName())
	}
	k, err := NewKey(name)
	if err != nil {
		return nil, err
	}
	return k, k.Write(filepath.Join(dir, keysName, keyFile))
}

// openLog goes on with a log that is there.
func (b *Book) openLog(o Options) error {
	keys, err := publicKeys(b.Dir)
	if err != nil {
		return err
	}
	var known bool
	for _, k := range keys {
		known = known || k.Text == b.key.Public().Text
	}
	if !known {
		return fmt.Errorf("the key %s is none of the log's (%s); add it by `loupe audit key`", b.key.Public().ID(), filepath.Join(b.Dir, keysName))
	}
	l, torn, err := tiles.Open(filepath.Join(b.Dir, logName), verifiers(keys))
	if err != nil {
		return err
	}
	if o.Name != "" && o.Name != l.Origin() {
		return fmt.Errorf("the log's name is %q, and not %q; a log keeps its name", l.Origin(), o.Name)
	}
	b.log, b.Torn, b.last = l, append(b.Torn, torn...), ""
	if n := l.Size(); n > 0 {
		r, err := tiles.OpenReader(filepath.Join(b.Dir, logName), verifiers(keys))
		if err != nil {
			return err
		}
		entry, err := r.Entry(n - 1)
		if err != nil {
			return err
		}
		b.last = digestOf(entry)
	}
	return nil
}

// errClosed is the error of what comes after Close.
var errClosed = errors.New("the audit log is closed")

// add waits until an event is durable in the log, and returns its number. Once the writer has taken it, it is written even
// if ctx ends: what was answered is recorded.
func (b *Book) add(ctx context.Context, e event) (int64, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.over {
		return 0, errClosed
	}
	p := &pending{e, make(chan result, 1)}
	select {
	case b.queue <- p:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	r := <-p.result
	return r.n, r.err
}

// batch is the most events that share a write.
const batch = 256

// write writes events as they come. Events that arrived during a write are written together.
func (b *Book) write() {
	defer close(b.done)
	for p := range b.queue {
		together := []*pending{p}
	more:
		for len(together) < batch {
			select {
			case p, ok := <-b.queue:
				if !ok {
					break more
				}
				together = append(together, p)
			default:
				break more
			}
		}
		b.writeTogether(together)
	}
}

// writeTogether makes events durable: first the files that they name, then their entries.
func (b *Book) writeTogether(all []*pending) {
	fail := func(list []*pending, err error) {
		for _, p := range list {
			p.result <- result{err: fmt.Errorf("the decision could not be recorded, so it is not given: %w", err)}
		}
	}
	if b.log == nil {
		if err := b.openLog(Options{}); err != nil { // an earlier write failed; perhaps there is space again
			fail(all, err)
			return
		}
	}
	first, last, now := b.log.Size(), b.last, time.Now()
	var taken []*pending
	var entries [][]byte
	files := map[Digest][]byte{}
	for _, p := range all {
		entry, err := p.event.entry(first+int64(len(entries)), last, now, b.key)
		if err == nil && len(entry) > tiles.MaxEntry {
			err = fmt.Errorf("its record has %d bytes, and an entry holds %d", len(entry), tiles.MaxEntry)
		}
		if err != nil {
			fail([]*pending{p}, err)
			continue
		}
		for _, data := range p.event.files {
			if d := digestOf(data); !b.kept.has(d) {
				files[d] = data
			}
		}
		last = digestOf(entry)
		taken, entries = append(taken, p), append(entries, entry)
	}
	if len(taken) == 0 {
		return
	}
	var list []disk.BatchFile
	for d, data := range files {
		list = append(list, disk.BatchFile{Path: b.kept.path(d), Data: data})
	}
	err := disk.WriteBatch(b.Dir, list)
	if err == nil {
		err = b.log.Append(entries, b.key.signer)
	}
	if err != nil {
		b.log = nil
		fail(taken, err)
		return
	}
	b.last = last
	for i, p := range taken {
		p.result <- result{n: first + int64(i)}
	}
}

// Close waits for what is being written and gives the directory up.
func (b *Book) Close() error {
	b.mu.Lock()
	over := b.over
	b.over = true
	b.mu.Unlock()
	if over {
		return nil
	}
	close(b.queue)
	<-b.done
	b.release()
	return nil
}

// Key is the public key of what the book signs.
func (b *Book) Key() PublicKey { return b.key.Public() }
