package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Kind is what an entry is, in a word.
func (r *Record) Kind() string {
	switch {
	case r.Decision != nil:
		return "decision"
	case r.Review != nil:
		return "review"
	case r.Redaction != nil:
		return "redaction"
	}
	return "key"
}

// Summary is an entry in a line for people.
func (r *Record) Summary() string {
	switch {
	case r.Decision != nil:
		d := r.Decision
		text := fmt.Sprintf("%s by %s (%s)", d.Command, d.Model.Name, d.Arithmetic)
		if d.Program.Device != nil {
			text = fmt.Sprintf("%s by %s (%s, %s)", d.Command, d.Model.Name, d.Arithmetic, d.Program.Device.Name)
		}
		var scores []string
		for _, s := range d.Scores {
			scores = append(scores, s.Name+" "+s.Clamped.Decimal)
		}
		if len(scores) > 0 {
			text += ": " + strings.Join(scores, ", ")
		}
		if d.Tokens > 0 {
			text += fmt.Sprintf(", %d tokens", d.Tokens)
		}
		return text
	case r.Review != nil:
		v := r.Review
		text := fmt.Sprintf("of entry %d by %s", v.Entry, v.By)
		if v.Score != nil {
			text += ": " + strings.TrimSpace(v.Target+" "+v.Score.Decimal)
		}
		return text + " (" + v.Why + ")"
	case r.Redaction != nil:
		return fmt.Sprintf("%d files of %d decisions", len(r.Redaction.Files), len(r.Redaction.Entries))
	case r.KeyChange.Adds != "":
		return "adds " + r.KeyChange.Adds
	}
	return "retires " + r.KeyChange.Retires
}

// Indented is the entry's statement for people: the same JSON, on lines of its own.
func (r *Record) Indented() (string, error) {
	plain, err := json.Marshal(r.Statement)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, plain, "", "  "); err != nil {
		return "", err
	}
	return b.String(), nil
}

// Keys are the public keys beside the log.
func (a *Archive) Keys() []PublicKey { return a.keys }

// Verifiers are the keys that may have signed a checkpoint of the log.
func (a *Archive) Verifiers() note.Verifiers { return verifiers(a.all()) }
