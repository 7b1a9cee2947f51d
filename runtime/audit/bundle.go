package audit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/loupe-vl/loupe/runtime/audit/tiles"
	"github.com/loupe-vl/loupe/weights/disk"
)

// The files of a proof that stands alone.
const (
	proofRecord = "record.json"
	proofTlog   = "record.tlog-proof"
)

// WriteProof writes to a new directory all that is needed to check and replay one entry without the log: the record, the
// proof that the log contains it, the public keys and the kept files.
func (a *Archive) WriteProof(ctx context.Context, n int64, dir string) error {
	r, err := a.Record(n)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("write the proof: %s is there already; name a new directory", dir)
	}
	p, err := a.Log.Prove(n)
	if err != nil {
		return err
	}
	files := []disk.BatchFile{{Path: filepath.Join(dir, proofRecord), Data: r.Entry}, {Path: filepath.Join(dir, proofTlog), Data: p.Bytes()}}
	seen := map[Digest]bool{}
	out := kept{filepath.Join(dir, keptName)}
	for _, d := range r.files() {
		if !a.kept.has(d) || seen[d] {
			continue // redacted
		}
		seen[d] = true
		data, err := a.kept.read(d)
		if err != nil {
			return err
		}
		files = append(files, disk.BatchFile{Path: out.path(d), Data: data})
	}
	var keys strings.Builder
	for _, k := range a.keys {
		keys.WriteString(k.Text + "\n")
	}
	files = append(files, disk.BatchFile{Path: filepath.Join(dir, keysName, "log"+publicSuffix), Data: []byte(keys.String())})
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("write the proof: %w", err)
	}
	return disk.WriteBatch(dir, files)
}

// OpenProof reads a record that WriteProof wrote, given by its path, and checks the proof that the log contained it.
// Without trusted keys those in the directory are taken.
func OpenProof(record string, keys ...PublicKey) (*Archive, *Record, error) {
	dir := filepath.Dir(record)
	a := &Archive{Dir: dir, kept: kept{filepath.Join(dir, keptName)}, root: keys}
	var err error
	if len(keys) == 0 {
		if a.keys, err = publicKeys(dir); err != nil {
			return nil, nil, fmt.Errorf("read the record %s: %w", record, err)
		}
	}
	entry, err := disk.Read(record, tiles.MaxEntry)
	if err != nil {
		return nil, nil, fmt.Errorf("read the record: %w", err)
	}
	data, err := disk.Read(filepath.Join(dir, proofTlog), 1<<16)
	if err != nil {
		return nil, nil, fmt.Errorf("read the proof of %s: %w", record, err)
	}
	p, err := tiles.ParseProof(data)
	if err != nil {
		return nil, nil, fmt.Errorf("read the proof of %s: %w", record, err)
	}
	if _, err := p.Verify(entry, verifiers(a.all())); err != nil {
		return nil, nil, fmt.Errorf("record %s: %w", record, err)
	}
	r, err := parseRecord(p.Index, entry, a.all())
	if err != nil {
		return nil, nil, fmt.Errorf("record %s: %w", record, err)
	}
	return a, r, nil
}
