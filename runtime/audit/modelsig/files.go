package modelsig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Name is the file of a signature in a model's directory.
const Name = "model.sig"

// ignored are names at the top of a directory that no signature covers, as the reference tool leaves them out.
var ignored = []string{Name, ".git", ".gitattributes", ".github", ".gitignore"}

// resource is a file and its digest.
type resource struct {
	Name      string `json:"name"`
	Algorithm string `json:"algorithm"`
	Digest    string `json:"digest"`
}

// list digests every file below dir in order of names. symlinks reports whether one of them is a link, as those of a hub's cache.
func list(ctx context.Context, dir string, ignore []string) (out []resource, symlinks bool, err error) {
	// The directory itself may be a link.
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, false, err
	}
	err = filepath.WalkDir(root, func(at string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if slices.ContainsFunc(ignore, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") }) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		if e.Type()&fs.ModeSymlink != 0 {
			symlinks = true
			if info, err := os.Stat(at); err == nil && info.IsDir() {
				return fmt.Errorf("%s is a link to a directory; a signature covers files: put the files themselves there", name)
			}
		}
		digest, err := fileDigest(ctx, at)
		out = append(out, resource{name, "sha256", digest})
		return err
	})
	slices.SortFunc(out, func(a, b resource) int { return strings.Compare(a.Name, b.Name) })
	return out, symlinks, err
}

func fileDigest(ctx context.Context, name string) (string, error) {
	f, _, err := disk.Open(name, 1<<62)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if _, err := io.CopyN(h, f, 16<<20); err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		} else if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// rootDigest is the digest that stands for all: the SHA-256 of the files' raw digests, one after the other.
func rootDigest(list []resource) (string, error) {
	h := sha256.New()
	for _, r := range list {
		raw, err := hex.DecodeString(r.Digest)
		if err != nil || r.Algorithm != "sha256" || len(raw) != sha256.Size {
			return "", fmt.Errorf("file %s has the digest %s:%q, and loupe checks SHA-256 alone", path.Base(r.Name), r.Algorithm, r.Digest)
		}
		h.Write(raw)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
