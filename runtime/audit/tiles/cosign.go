package tiles

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// cosignatureType is the type of Ed25519 keys that sign as witnesses (C2SP tlog-cosignature).
const cosignatureType = 4

// Witness is the public key of a witness, which signs that it saw a checkpoint and none that contradicts it.
type Witness struct {
	Text string // NAME+HASH+BASE64(4 || Ed25519 key)
	name string
	hash uint32
	key  ed25519.PublicKey
}

// ParseWitness reads the text of a witness's public key.
func ParseWitness(text string) (*Witness, error) {
	text = strings.TrimSpace(text)
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no witness's public key: it has the form NAME+HASH+BASE64", text)
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	switch {
	case err != nil || len(raw) == 0:
		return nil, fmt.Errorf("%q is no witness's public key: it does not end in base64", text)
	case raw[0] == 6:
		return nil, fmt.Errorf("the key of witness %s is of type ML-DSA-44, and loupe checks Ed25519 cosignatures (type 4)", parts[0])
	case raw[0] != cosignatureType || len(raw) != 1+ed25519.PublicKeySize:
		return nil, fmt.Errorf("the key of witness %s is of type %d; a cosignature's is 4", parts[0], raw[0])
	}
	w := &Witness{Text: text, name: parts[0], hash: keyHash(parts[0], raw), key: raw[1:]}
	if fmt.Sprintf("%08x", w.hash) != parts[1] {
		return nil, fmt.Errorf("%q is no witness's public key: its hash is not that of its name and key", text)
	}
	return w, nil
}

// keyHash names a key in signature lines (C2SP signed-note).
func keyHash(name string, key []byte) uint32 {
	h := sha256.Sum256(append([]byte(name+"\n"), key...))
	return binary.BigEndian.Uint32(h[:])
}

// Name implements note.Verifier.
func (w *Witness) Name() string { return w.name }

// KeyHash implements note.Verifier.
func (w *Witness) KeyHash() uint32 { return w.hash }

// Verify implements note.Verifier: sig is a time and a signature over it and the checkpoint's text.
func (w *Witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(w.key, cosigned(binary.BigEndian.Uint64(sig), msg), sig[8:])
}

// cosigned is what a witness signs.
func cosigned(at uint64, text []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
}

// CosignedAt is the time of a witness's signature of a checkpoint that was verified; false where it has none.
func (c Checkpoint) CosignedAt(w *Witness) (time.Time, bool) {
	for _, s := range c.Note.Sigs {
		if s.Name != w.name || s.Hash != w.hash {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || len(raw) < 12 {
			return time.Time{}, false
		}
		return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC(), true
	}
	return time.Time{}, false
}

// AddSignatures is a signed note with the signature lines of more signers.
func AddSignatures(signed []byte, lines []string) []byte {
	out := append([]byte(nil), signed...)
	for _, line := range lines {
		out = append(out, line...)
		out = append(out, '\n')
	}
	return out
}
