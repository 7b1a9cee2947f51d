package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/runtime/audit/tiles"
	"github.com/loupe-vl/loupe/weights/disk"
)

// Archive reads a directory of records as its last checkpoint has it. It locks nothing: a writer may be at work.
type Archive struct {
	Dir string
	Log *tiles.Reader

	keys []PublicKey // beside the log
	root []PublicKey // that are trusted; the keys beside the log where none were given
	kept kept
}

// Open reads the directory of records in dir. trusted are the public keys to trust. Without any, the keys beside the log
// are taken: that shows that nothing was damaged, but not who wrote it.
func Open(dir string, trusted ...PublicKey) (*Archive, error) {
	a := &Archive{Dir: dir, root: trusted, kept: kept{filepath.Join(dir, keptName)}}
	var err error
	if a.keys, err = publicKeys(dir); err != nil && len(trusted) == 0 {
		return nil, fmt.Errorf("open the audit directory %s: %w", dir, err)
	}
	if len(trusted) == 0 {
		a.root = a.keys
	}
	if a.Log, err = tiles.OpenReader(filepath.Join(dir, logName), verifiers(append(a.keys, trusted...))); err != nil {
		return nil, fmt.Errorf("open the audit directory %s: %w", dir, err)
	}
	return a, nil
}

// Size is how many entries there are.
func (a *Archive) Size() int64 { return a.Log.Checkpoint.Tree.N }

// all are the keys that may have signed something. Check looks at when each was valid.
func (a *Archive) all() []PublicKey { return append(append([]PublicKey(nil), a.keys...), a.root...) }

// Record reads entry n, and checks its place in the log and its signature.
func (a *Archive) Record(n int64) (*Record, error) {
	entry, err := a.Log.Entry(n)
	if err != nil {
		return nil, err
	}
	return parseRecord(n, entry, a.all())
}

// Records calls each with every record in order; an error of its own ends it and is returned.
func (a *Archive) Records(ctx context.Context, each func(*Record) error) error {
	for i, e := range a.Log.Entries(0) {
		if e.Err != nil {
			return fmt.Errorf("entries from %d on: %w", i, e.Err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := parseRecord(i, e.Entry, a.all())
		if err != nil {
			return err
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// Checked is what Check counted in a log that is whole.
type Checked struct {
	Entries, Decisions, Reviews, Redactions int64
	Redacted                                int64 // kept files that were redacted
	Witnessed                               int64 // entries that a witness signed
	Notes                                   []string
}

// Check proves that the directory is whole, in order and as it was written. It checks every hash of the log, every
// signature, by a key that was valid at the time, and every kept file. The error is the first check that fails. Its memory
// does not grow with the log.
func (a *Archive) Check(ctx context.Context) (*Checked, error) {
	c := &Checked{}
	ring := newKeyring(a.root)
	var previous Digest
	err := a.Log.Check(ctx, func(i int64, entry []byte) error {
		r, err := parseRecord(i, entry, ring.valid())
		if err != nil {
			return err
		}
		if r.Previous != previous {
			return fmt.Errorf("entry %d follows on an entry with the digest %s, but entry %d has %s: the order was changed", i, shorten(string(r.Previous)), i-1, shorten(string(previous)))
		}
		previous = digestOf(entry)
		c.Entries++
		switch {
		case r.Decision != nil:
			c.Decisions++
		case r.Review != nil:
			c.Reviews++
		case r.Redaction != nil:
			c.Redactions++
		}
		if err := ring.take(r); err != nil {
			return err
		}
		return a.checkKept(r, c)
	})
	if err != nil {
		return nil, err
	}
	if err := ring.signed(a.Log.Checkpoint); err != nil {
		return nil, err
	}
	if err := a.checkFiles(ctx, c); err != nil {
		return nil, err
	}
	if err := a.checkWitnessed(c); err != nil {
		return nil, err
	}
	uncovered, strange, err := a.Log.Leftovers()
	if err != nil {
		return nil, err
	}
	if len(strange) > 0 {
		return nil, fmt.Errorf("%s/%s is no file of a log: something was put there or a tile was renamed", filepath.Join(a.Dir, logName), strange[0])
	}
	if n := len(uncovered); n > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%d tiles (%s first) are covered by no checkpoint: a writer was stopped before it answered, or the checkpoint is an older one", n, uncovered[0]))
	}
	return c, nil
}

// checkKept checks that every file that a record names is there, or was redacted by an entry that says so.
func (a *Archive) checkKept(r *Record, c *Checked) error {
	for _, d := range r.files() {
		if !d.valid() {
			return fmt.Errorf("entry %d names a kept file %q, which is no digest", r.Sequence, d)
		}
		if a.kept.has(d) {
			continue // its bytes are checked with those of all kept files
		}
		if err := a.redacted(d); err != nil {
			return fmt.Errorf("entry %d: kept file %s is missing, and was not redacted: %w", r.Sequence, a.kept.path(d), err)
		}
		c.Redacted++
	}
	return nil
}

// redacted checks that an entry of the log says that the file was redacted.
func (a *Archive) redacted(d Digest) error {
	n, err := a.kept.redactedBy(d)
	if err != nil {
		return err
	}
	r, err := a.Record(n)
	if err != nil {
		return err
	}
	if r.Redaction != nil {
		for _, f := range r.Redaction.Files {
			if f == d {
				return nil
			}
		}
	}
	return fmt.Errorf("entry %d, which is said to redact it, does not", n)
}

// checkFiles reads every kept file and compares it with its name.
func (a *Archive) checkFiles(ctx context.Context, c *Checked) error {
	return filepath.WalkDir(a.kept.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			if errors.Is(err, fs.ErrNotExist) && path == a.kept.dir {
				return fs.SkipAll // a log without decisions has none
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name, gone := strings.CutSuffix(e.Name(), redactedSuffix)
		d := Digest(name)
		if !d.valid() || a.kept.path(d) != strings.TrimSuffix(path, redactedSuffix) {
			return fmt.Errorf("%s is no kept file: its name is no digest, or of another folder", path)
		}
		if gone {
			return a.redacted(d)
		}
		_, err = a.kept.read(d)
		return err
	})
}

// redactedBy is the number of the entry that redacted a file.
func (k kept) redactedBy(d Digest) (int64, error) {
	data, err := disk.Read(k.path(d)+redactedSuffix, 64)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return 0, errors.New("nothing says so")
		}
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(string(data), "\n"), 10, 64)
	if err != nil || string(data) != strconv.FormatInt(n, 10)+"\n" {
		return 0, fmt.Errorf("%s holds no entry's number", k.path(d)+redactedSuffix)
	}
	return n, nil
}

// files are the kept files that a record names.
func (r *Record) files() []Digest {
	d := r.Decision
	if d == nil {
		return nil
	}
	out := []Digest{d.Model.Manifest, d.Blocks}
	for _, p := range []*Part{d.Adapter, d.Head} {
		if p != nil {
			out = append(out, p.Manifest)
		}
	}
	return append(out, d.personal()...)
}

// personal are the kept files with personal data: pictures, texts, and what was computed from them.
func (d *Decision) personal() []Digest {
	out := []Digest{d.Where, d.Asked}
	for _, s := range d.Sources {
		for _, f := range s.Files {
			out = append(out, f.Bytes)
		}
	}
	if d.Answered != "" {
		out = append(out, d.Answered)
	}
	for _, e := range d.Explained {
		out = append(out, e.Kept)
	}
	return out
}
