package audit

import (
	"encoding/json"
	"fmt"
	"time"
)

// The kinds of entries of a log: predicate types of in-toto statements. docs/audit.md says what each holds.
const (
	predicateBase     = "https://github.com/loupe-vl/loupe/blob/main/docs/audit.md#"
	DecisionPredicate = predicateBase + "decision-v1"
	ReviewPredicate   = predicateBase + "review-v1"
	RedactPredicate   = predicateBase + "redaction-v1"
	KeyPredicate      = predicateBase + "key-v1"
)

// Header begins every predicate. The log's writer fills it in.
type Header struct {
	Sequence int64  `json:"sequence"` // the entry's number in the log, from 0
	Previous Digest `json:"previous"` // of the entry before it; "" for entry 0
	Logged   string `json:"logged"`   // when it was written, UTC, RFC 3339 with nanoseconds
}

func (h *Header) header() *Header { return h }

// predicate is a struct that embeds a Header.
type predicate interface{ header() *Header }

// event is an entry that is not written yet: its predicate, its subjects, and the files that it names.
type event struct {
	kind      string
	subject   []Subject
	predicate predicate
	files     [][]byte // kept under their digests
}

// entry is the event as entry number n of a log, signed.
func (e event) entry(n int64, previous Digest, now time.Time, k *Key) ([]byte, error) {
	*e.predicate.header() = Header{Sequence: n, Previous: previous, Logged: stamp(now)}
	p, err := json.Marshal(e.predicate)
	if err != nil {
		return nil, fmt.Errorf("write the record: %w", err)
	}
	return seal(Statement{Type: statementType, Subject: e.subject, PredicateType: e.kind, Predicate: p}, k)
}

// stamp is a time as records have it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Record is an entry as it was read: its statement and its predicate.
type Record struct {
	Statement
	Header
	By    PublicKey // who signed it
	Entry []byte

	// One of these, by PredicateType.
	Decision  *Decision
	Review    *Review
	Redaction *Redaction
	KeyChange *KeyChange
}

// parseRecord reads entry n, which one of the keys must have signed.
func parseRecord(n int64, entry []byte, keys []PublicKey) (*Record, error) {
	s, by, err := unseal(entry, keys)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", n, err)
	}
	r := &Record{Statement: s, By: by, Entry: entry}
	var p predicate
	switch s.PredicateType {
	case DecisionPredicate:
		r.Decision = new(Decision)
		p = r.Decision
	case ReviewPredicate:
		r.Review = new(Review)
		p = r.Review
	case RedactPredicate:
		r.Redaction = new(Redaction)
		p = r.Redaction
	case KeyPredicate:
		r.KeyChange = new(KeyChange)
		p = r.KeyChange
	default:
		return nil, fmt.Errorf("entry %d is of kind %q, which this release does not know; a newer loupe reads it", n, s.PredicateType)
	}
	if err := strictJSON(s.Predicate, p); err != nil {
		return nil, fmt.Errorf("entry %d: its predicate is not of kind %q: %w", n, s.PredicateType, err)
	}
	r.Header = *p.header()
	if n >= 0 && r.Sequence != n {
		return nil, fmt.Errorf("entry %d says that it is number %d: entries were moved", n, r.Sequence)
	}
	return r, nil
}

// KeyChange adds or retires a key, from the next entry on.
type KeyChange struct {
	Header
	Adds    string `json:"adds,omitempty"`    // a public key
	Retires string `json:"retires,omitempty"` // a key's ID
	Why     string `json:"why,omitempty"`
}

// Redaction says that kept files were removed. Their digests stay in the entries that name them.
type Redaction struct {
	Header
	Entries []int64  `json:"entries"` // whose files went
	Files   []Digest `json:"files"`
	By      string   `json:"by,omitempty"`
	Why     string   `json:"why,omitempty"`
}

// Review is a person's judgment of a decision, beside the model's. It changes nothing that was recorded before.
type Review struct {
	Header
	Entry  int64    `json:"entry"`            // the decision's
	Record Digest   `json:"record"`           // of that entry
	Target string   `json:"target,omitempty"` // of the score head; "": the first
	Score  *Decimal `json:"score,omitempty"`
	By     string   `json:"by"`
	Why    string   `json:"why"`
}
