package audit

import (
	"fmt"

	"github.com/loupe-vl/loupe/runtime/audit/tiles"
)

// keyring tracks which keys are valid along a log. A trusted key signed the first entry or the first checkpoint. From then
// on the log itself says which keys are added and retired.
type keyring struct {
	trusted []PublicKey
	now     []PublicKey
}

func newKeyring(trusted []PublicKey) *keyring { return &keyring{trusted: trusted} }

// valid are the keys that may sign the next entry.
func (k *keyring) valid() []PublicKey {
	if k.now == nil {
		return k.trusted
	}
	return k.now
}

// take updates the keys by a record.
func (k *keyring) take(r *Record) error {
	if k.now == nil {
		k.now = []PublicKey{r.By}
	}
	c := r.KeyChange
	if c == nil {
		return nil
	}
	if c.Adds != "" {
		added, err := ParsePublicKey(c.Adds)
		if err != nil {
			return fmt.Errorf("entry %d adds a key that is none: %w", r.Sequence, err)
		}
		k.now = append(append([]PublicKey(nil), k.now...), added)
	}
	if c.Retires != "" {
		var left []PublicKey
		for _, v := range k.now {
			if v.ID() != c.Retires {
				left = append(left, v)
			}
		}
		if len(left) == len(k.now) {
			return fmt.Errorf("entry %d retires the key %s, which was not valid", r.Sequence, c.Retires)
		}
		if len(left) == 0 {
			return fmt.Errorf("entry %d retires the only key: nobody could sign after it", r.Sequence)
		}
		k.now = left
	}
	return nil
}

// signed checks that a key which is valid at the end signed the checkpoint.
func (k *keyring) signed(c tiles.Checkpoint) error {
	valid := k.now
	if valid == nil {
		valid = k.trusted
	}
	for _, s := range c.Note.Sigs {
		for _, v := range valid {
			if s.Name == v.verifier.Name() && s.Hash == v.verifier.KeyHash() {
				return nil
			}
		}
	}
	return fmt.Errorf("the checkpoint is signed by no key that is valid at its size")
}
