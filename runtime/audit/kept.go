package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Digest is a SHA-256 in hexadecimal.
type Digest string

func digestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest(hex.EncodeToString(sum[:]))
}

// valid reports whether d has the form of a digest, so that it can be part of a path.
func (d Digest) valid() bool {
	raw, err := hex.DecodeString(string(d))
	return err == nil && len(raw) == sha256.Size && hex.EncodeToString(raw) == string(d)
}

// saltSize is the number of random bytes before a short personal text in its file. Without them the text could be guessed
// from its digest.
const saltSize = 32

// salted is data after a new salt.
func salted(data []byte) []byte {
	out := make([]byte, saltSize, saltSize+len(data))
	rand.Read(out) // it never fails
	return append(out, data...)
}

// unsalted is what stands after the salt.
func unsalted(data []byte) ([]byte, error) {
	if len(data) < saltSize {
		return nil, fmt.Errorf("it has %d bytes, fewer than its salt", len(data))
	}
	return data[saltSize:], nil
}

// keptLimit is the most bytes of a kept file.
const keptLimit = disk.PictureLimit

// kept are the files that records name by digest.
type kept struct{ dir string }

// redactedSuffix ends the name of the file that replaces a redacted one. It holds the number of the entry of the redaction.
const redactedSuffix = ".redacted"

func (k kept) path(d Digest) string { return filepath.Join(k.dir, string(d[:2]), string(d)) }

// has reports whether the file is there.
func (k kept) has(d Digest) bool {
	_, err := os.Lstat(k.path(d))
	return err == nil
}

// errRedacted is the error of a file that was redacted.
var errRedacted = errors.New("it was redacted")

// read reads a kept file and checks its digest.
func (k kept) read(d Digest) ([]byte, error) {
	if !d.valid() {
		return nil, fmt.Errorf("%q is no digest", d)
	}
	data, err := disk.Read(k.path(d), keptLimit)
	if errors.Is(err, fs.ErrNotExist) {
		if _, redacted := os.Lstat(k.path(d) + redactedSuffix); redacted == nil {
			return nil, fmt.Errorf("kept file %s: %w", d, errRedacted)
		}
		return nil, fmt.Errorf("kept file %s is missing: %w", k.path(d), fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("kept file: %w", err)
	}
	if got := digestOf(data); got != d {
		return nil, fmt.Errorf("kept file %s: its bytes have the digest %s; it was changed", k.path(d), got)
	}
	return data, nil
}
