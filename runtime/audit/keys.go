package audit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// publicSuffix ends the names of files of public keys.
const publicSuffix = ".key.pub"

// randomName is what makes a name unique.
func randomName() string { return rand.Text()[:12] }

// writePublic keeps a public key beside the log.
func writePublic(dir string, k PublicKey) error {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == ':' || r < ' ' {
			return '_'
		}
		return r
	}, k.ID())
	path := filepath.Join(dir, keysName, name+publicSuffix)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return disk.WriteBatch(dir, []disk.BatchFile{{Path: path, Data: []byte(k.Text + "\n")}})
}

// publicKeys are the keys beside the log.
func publicKeys(dir string) ([]PublicKey, error) {
	entries, err := os.ReadDir(filepath.Join(dir, keysName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no folder %q with the log's public keys; give them by audit.Open", dir, keysName)
	}
	if err != nil {
		return nil, err
	}
	var out []PublicKey
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), publicSuffix) {
			keys, err := ReadPublicKeys(filepath.Join(dir, keysName, e.Name()))
			if err != nil {
				return nil, err
			}
			out = append(out, keys...)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no public key (*%s); give the log's by audit.Open", filepath.Join(dir, keysName), publicSuffix)
	}
	return out, nil
}
