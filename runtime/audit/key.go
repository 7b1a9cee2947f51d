package audit

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
	"golang.org/x/mod/sumdb/note"
)

// Key signs records and checkpoints. It is an Ed25519 key in the form of golang.org/x/mod/sumdb/note; the same key signs
// DSSE envelopes. The signed bytes of an envelope and of a checkpoint begin differently, so that one is never taken for the
// other.
type Key struct {
	secret  string // note's text of the private key
	public  PublicKey
	private ed25519.PrivateKey
	signer  note.Signer
}

// PublicKey checks what a [Key] signed.
type PublicKey struct {
	Text     string // note's: NAME+HASH+BASE64, one line
	verifier note.Verifier
	public   ed25519.PublicKey
}

// NewKey makes a key for a log of this name, which is the first line of its checkpoints. It should be unique in the world,
// like a URL without the scheme: example.org/gallery.
func NewKey(name string) (*Key, error) {
	if name == "" || strings.ContainsAny(name, " +\t\r\n") {
		return nil, fmt.Errorf("the log's name %q has white space or a plus sign, or is empty; give one such as example.org/gallery", name)
	}
	secret, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return parseKey(secret)
}

// parseKey reads note's text of a private key: PRIVATE+KEY+NAME+HASH+BASE64(1 || seed).
func parseKey(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	signer, err := note.NewSigner(text)
	if err != nil {
		return nil, errors.New("it is not a private key as `loupe audit key` writes it")
	}
	seed, err := base64.StdEncoding.DecodeString(text[strings.LastIndex(text, "+")+1:])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		// The base64 may hold plus signs itself: it is what follows the fourth.
		parts := strings.SplitN(text, "+", 5)
		if seed, err = base64.StdEncoding.DecodeString(parts[len(parts)-1]); err != nil || len(seed) != 1+ed25519.SeedSize {
			return nil, errors.New("it is not a private key as `loupe audit key` writes it")
		}
	}
	k := &Key{secret: text, signer: signer, private: ed25519.NewKeyFromSeed(seed[1:])}
	public, err := note.NewEd25519VerifierKey(signer.Name(), k.private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	k.public, err = ParsePublicKey(public)
	return k, err
}

// ReadKey reads the file of a private key.
func ReadKey(path string) (*Key, error) {
	data, err := disk.Read(path, 4096)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	k, err := parseKey(string(data))
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", path, err)
	}
	return k, nil
}

// Write writes the private key to a new file that its owner alone may read.
func (k *Key) Write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	// Whole or not at all, and in the place of nothing: a link is refused where there is a file.
	whole := filepath.Join(filepath.Dir(path), "."+rand.Text()[:12]+".part")
	f, err := os.OpenFile(whole, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	defer os.Remove(whole)
	_, err = f.WriteString(k.secret + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write key %s: %w", path, err)
	}
	if err := os.Link(whole, path); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write key %s: there is a file of that name; a key is never overwritten: name another", path)
	} else if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return disk.SyncDir(filepath.Dir(path))
}

// Public is the key's public half.
func (k *Key) Public() PublicKey { return k.public }

// ParsePublicKey reads note's text of a public key.
func ParsePublicKey(text string) (PublicKey, error) {
	text = strings.TrimSpace(text)
	v, err := note.NewVerifier(text)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%q is not a public key as `loupe audit key` writes it", text)
	}
	parts := strings.SplitN(text, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("%q is not a public key as `loupe audit key` writes it", text)
	}
	return PublicKey{text, v, ed25519.PublicKey(raw[1:])}, nil
}

// ReadPublicKeys reads the keys of a file, one a line. Lines that begin with # are comments.
func ReadPublicKeys(path string) ([]PublicKey, error) {
	data, err := disk.Read(path, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	var out []PublicKey
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := ParsePublicKey(line)
		if err != nil {
			return nil, fmt.Errorf("read public key %s: %w", path, err)
		}
		out = append(out, k)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("read public key %s: it holds none", path)
	}
	return out, nil
}

// ID is the key's name in envelopes: NAME+HASH.
func (p PublicKey) ID() string {
	return p.verifier.Name() + "+" + hex.EncodeToString([]byte{byte(p.verifier.KeyHash() >> 24), byte(p.verifier.KeyHash() >> 16), byte(p.verifier.KeyHash() >> 8), byte(p.verifier.KeyHash())})
}

// verifiers is a list of keys for checkpoints.
func verifiers(keys []PublicKey) note.Verifiers {
	var list []note.Verifier
	seen := map[string]bool{}
	for _, k := range keys {
		if !seen[k.Text] { // a key twice would be ambiguous
			list = append(list, k.verifier)
		}
		seen[k.Text] = true
	}
	return note.VerifierList(list...)
}

// Sign implements dsse.Signer.
func (k *Key) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(k.private, data), nil
}

// KeyID implements dsse.Signer.
func (k *Key) KeyID() (string, error) { return k.public.ID(), nil }

// Verify implements dsse.Verifier.
func (p PublicKey) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(p.public, data, sig) {
		return fmt.Errorf("the signature is not one of key %s over these bytes", p.ID())
	}
	return nil
}

// KeyID implements dsse.Verifier.
func (p PublicKey) KeyID() (string, error) { return p.ID(), nil }

// Public implements dsse.Verifier.
func (p PublicKey) Public() crypto.PublicKey { return p.public }
