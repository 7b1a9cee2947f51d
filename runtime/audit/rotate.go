package audit

import (
	"context"
	"fmt"
)

// AddKey adds a new key to the log, valid from the next entry on; an entry signed by the present key says so. The new
// private key is written to path. The old key stays valid.
func (b *Book) AddKey(ctx context.Context, path, why string) (PublicKey, error) {
	k, err := NewKey(b.key.signer.Name())
	if err != nil {
		return PublicKey{}, err
	}
	if err := k.Write(path); err != nil {
		return PublicKey{}, err
	}
	if err := writePublic(b.Dir, k.Public()); err != nil {
		return PublicKey{}, err
	}
	change := &KeyChange{Adds: k.Public().Text, Why: why}
	if _, err := b.add(ctx, event{kind: KeyPredicate, predicate: change, subject: keySubject(k.Public())}); err != nil {
		return PublicKey{}, err
	}
	return k.Public(), nil
}

// RetireKey retires a key: what it signs after this entry is not valid. The book's own key cannot be retired; open the book
// with another one first.
func (b *Book) RetireKey(ctx context.Context, id, why string) error {
	if id == b.key.Public().ID() {
		return fmt.Errorf("retire key %s: it signs this very log; open it with the other key", id)
	}
	keys, err := publicKeys(b.Dir)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID() == id {
			_, err := b.add(ctx, event{kind: KeyPredicate, predicate: &KeyChange{Retires: id, Why: why}, subject: keySubject(k)})
			return err
		}
	}
	return fmt.Errorf("retire key %s: the log has none of that name", id)
}

func keySubject(k PublicKey) []Subject {
	return []Subject{{"key " + k.ID(), map[string]string{"sha256": string(digestOf([]byte(k.Text)))}}}
}
