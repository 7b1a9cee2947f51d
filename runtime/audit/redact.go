package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/loupe-vl/loupe/weights/disk"
)

// RedactOptions say how personal files are redacted.
type RedactOptions struct {
	By, Why string
	// Shared also removes files that other decisions name, which then cannot be replayed either. Without it such a file is
	// an error.
	Shared bool
}

// Redacted is the result of a redaction.
type Redacted struct {
	Entry int64 // its own number
	Files int   // that went
}

// Redact removes the pictures, texts and maps of decisions. It first writes an entry that says so, then removes the files.
// Their digests stay, so that whoever has a copy can still prove it. Decisions whose files are gone already are skipped.
func (b *Book) Redact(ctx context.Context, entries []int64, o RedactOptions) (*Redacted, error) {
	a, err := Open(b.Dir)
	if err != nil {
		return nil, err
	}
	chosen := map[int64]bool{}
	files := map[Digest]bool{}
	for _, n := range entries {
		r, err := a.Record(n)
		if err != nil {
			return nil, fmt.Errorf("redact: %w", err)
		}
		if r.Decision == nil {
			return nil, fmt.Errorf("redact: entry %d is no decision", n)
		}
		chosen[n] = true
		for _, d := range r.Decision.personal() {
			if b.kept.has(d) {
				files[d] = true
			}
		}
	}
	if len(files) == 0 {
		return nil, errors.New("redact: nothing of these entries is kept any more")
	}
	if !o.Shared {
		err := a.Records(ctx, func(r *Record) error {
			if r.Decision == nil || chosen[r.Sequence] {
				return nil
			}
			for _, d := range r.Decision.personal() {
				if files[d] {
					return fmt.Errorf("redact: entry %d has the same picture (%s); redact it too, or set audit.RedactOptions.Shared to let it lose the picture", r.Sequence, d[:12])
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	v := &Redaction{By: o.By, Why: o.Why}
	for n := range chosen {
		v.Entries = append(v.Entries, n)
	}
	slices.Sort(v.Entries)
	for d := range files {
		v.Files = append(v.Files, d)
	}
	slices.Sort(v.Files)
	return b.redact(ctx, v)
}

// mostRedacted is how many files one entry names: each takes some 70 bytes of it.
const mostRedacted = 500

func (b *Book) redact(ctx context.Context, v *Redaction) (*Redacted, error) {
	out := &Redacted{Files: len(v.Files)}
	for part := range slices.Chunk(v.Files, mostRedacted) {
		n, err := b.add(ctx, event{kind: RedactPredicate, predicate: &Redaction{Entries: v.Entries, Files: part, By: v.By, Why: v.Why}, subject: redactedSubjects(part)})
		if err != nil {
			return nil, err
		}
		out.Entry = n
		if err := b.kept.remove(b.Dir, part, n); err != nil {
			return nil, fmt.Errorf("redact: entry %d says that the files are gone, and one could not be removed: %w; run it again", n, err)
		}
	}
	return out, nil
}

func redactedSubjects(files []Digest) []Subject {
	var out []Subject
	for _, d := range files {
		out = append(out, Subject{"kept file", map[string]string{"sha256": string(d)}})
	}
	return out
}

// remove replaces files by the number of the entry that redacts them.
func (k kept) remove(root string, files []Digest, entry int64) error {
	var stones []disk.BatchFile
	for _, d := range files {
		stones = append(stones, disk.BatchFile{Path: k.path(d) + redactedSuffix, Data: []byte(strconv.FormatInt(entry, 10) + "\n")})
	}
	if err := disk.WriteBatch(root, stones); err != nil {
		return err
	}
	for _, d := range files {
		if err := os.Remove(k.path(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// OlderThan are the decisions that ended before limit and still have personal files.
func (a *Archive) OlderThan(ctx context.Context, limit time.Time) ([]int64, error) {
	var out []int64
	err := a.Records(ctx, func(r *Record) error {
		if r.Decision == nil {
			return nil
		}
		logged, err := time.Parse(time.RFC3339Nano, r.Logged)
		if err != nil {
			return fmt.Errorf("entry %d: it was logged at %q, which is no time", r.Sequence, r.Logged)
		}
		if !logged.Before(limit) {
			return nil
		}
		for _, d := range r.Decision.personal() {
			if a.kept.has(d) {
				out = append(out, r.Sequence)
				break
			}
		}
		return nil
	})
	return out, err
}
