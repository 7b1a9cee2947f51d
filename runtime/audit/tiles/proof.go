package tiles

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// proofHead is the first line of a proof file.
const proofHead = "c2sp.org/tlog-proof@v1"

// Proof shows that an entry belongs to a log, to anyone who has the log's public key (C2SP tlog-proof).
type Proof struct {
	Index      int64
	Hashes     tlog.RecordProof
	Checkpoint []byte // the signed checkpoint
}

// Prove proves that entry i belongs to the log.
func (r *Reader) Prove(i int64) (*Proof, error) {
	if i < 0 || i >= r.Checkpoint.Tree.N {
		return nil, fmt.Errorf("log %s has entries 0 to %d, and none with number %d", r.Dir, r.Checkpoint.Tree.N-1, i)
	}
	hashes, err := tlog.ProveRecord(r.Checkpoint.Tree.N, i, r.Hashes())
	if err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", i, err)
	}
	return &Proof{i, hashes, r.Signed}, nil
}

// Bytes is the proof's file.
func (p *Proof) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", proofHead, p.Index)
	for _, h := range p.Hashes {
		fmt.Fprintln(&b, base64.StdEncoding.EncodeToString(h[:]))
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// ParseProof reads a proof's file. It checks its form alone; Verify checks what it says.
func ParseProof(data []byte) (*Proof, error) {
	head, checkpoint, ok := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || lines[0] != proofHead {
		return nil, fmt.Errorf("proof: it does not begin with the line %q and a blank line after its hashes", proofHead)
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:] // data of an application, which ours does not have
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("proof: it has no line with an index")
	}
	text, ok := strings.CutPrefix(lines[0], "index ")
	index, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || index < 0 || strconv.FormatInt(index, 10) != text {
		return nil, fmt.Errorf("proof: the line %q is no index", lines[0])
	}
	p := &Proof{Index: index, Checkpoint: checkpoint}
	if len(lines) > 1+64 {
		return nil, fmt.Errorf("proof: it has %d hashes, and no tree needs more than 64", len(lines)-1)
	}
	for _, line := range lines[1:] {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return nil, fmt.Errorf("proof: the line %q is no hash", line)
		}
		p.Hashes = append(p.Hashes, tlog.Hash(raw))
	}
	return p, nil
}

// Verify checks that the proof is one for this entry, in a log that one of the keys has signed.
func (p *Proof) Verify(entry []byte, keys note.Verifiers) (Checkpoint, error) {
	c, err := ParseCheckpoint(p.Checkpoint, keys)
	if err != nil {
		return c, fmt.Errorf("proof: %w", err)
	}
	if p.Index >= c.Tree.N {
		return c, fmt.Errorf("proof: it is of entry %d, and its checkpoint has %d", p.Index, c.Tree.N)
	}
	if err := tlog.CheckRecord(p.Hashes, c.Tree.N, c.Tree.Hash, p.Index, tlog.RecordHash(entry)); err != nil {
		return c, fmt.Errorf("proof: entry %d does not belong to the log of size %d: the entry, or the proof, was changed", p.Index, c.Tree.N)
	}
	return c, nil
}

// Since checks that the log still begins with everything that an older checkpoint covered (a consistency proof).
func (r *Reader) Since(old Checkpoint) error {
	now := r.Checkpoint
	switch {
	case old.Origin != now.Origin:
		return fmt.Errorf("the older checkpoint is of the log %q, and this one is %q", old.Origin, now.Origin)
	case old.Tree.N > now.Tree.N:
		return fmt.Errorf("the older checkpoint covers %d entries, and the log now has %d: entries were cut off", old.Tree.N, now.Tree.N)
	case old.Tree.N == 0:
		return nil
	}
	root, err := tlog.TreeHash(old.Tree.N, r.Hashes())
	if err != nil {
		return fmt.Errorf("compare with the older checkpoint: %w", err)
	}
	if root != old.Tree.Hash {
		return fmt.Errorf("the first %d entries of the log are not those that the older checkpoint covered: what was known then was rewritten", old.Tree.N)
	}
	proof, err := r.ProveSince(old.Tree.N)
	if err == nil {
		err = tlog.CheckTree(proof, now.Tree.N, now.Tree.Hash, old.Tree.N, old.Tree.Hash)
	}
	if err != nil {
		return fmt.Errorf("compare with the older checkpoint: %w", err)
	}
	return nil
}

// ProveSince is the consistency proof from the first n entries.
func (r *Reader) ProveSince(n int64) (tlog.TreeProof, error) {
	return tlog.ProveTree(r.Checkpoint.Tree.N, n, r.Hashes())
}
