package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/audit/modelsig"
	"github.com/loupe-vl/loupe/weights"
)

// kinds are the extensions of files that belong to a model. Other files beside them do not count.
var kinds = []string{".json", ".jinja", ".txt", ".safetensors"}

// manifest digests every file in fsys that belongs to the model, and each of its tensors. It returns the manifest and the
// record's line of it.
func manifest(ctx context.Context, name string, fsys fs.FS, c *weights.Checkpoint) (Part, Manifest, error) {
	var m Manifest
	err := fs.WalkDir(fsys, ".", func(at string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			if at != "." && at != "additional_chat_templates" {
				return fs.SkipDir
			}
			return nil
		case strings.HasPrefix(e.Name(), "."), !slices.Contains(kinds, path.Ext(at)):
			return nil
		}
		f, err := fileDigest(ctx, fsys, at)
		m.Files = append(m.Files, f)
		return err
	})
	if err != nil {
		return Part{}, m, fmt.Errorf("digest the files of %s: %w", name, err)
	}
	part := Part{Name: filepath.Base(name)}
	if sig, err := fs.ReadFile(fsys, modelsig.Name); err == nil {
		part.Signature = digestOf(sig)
	}
	if c != nil {
		var all []weights.TensorDigest
		for _, t := range c.Tensors() {
			if err := ctx.Err(); err != nil {
				return part, m, err
			}
			d := weights.TensorDigest{Name: t.Name, DType: t.DType, Shape: t.Shape, SHA256: t.SHA256()}
			all = append(all, d)
			m.Tensors = append(m.Tensors, ManifestTensor{d.Name, string(d.DType), d.Shape, Digest(d.SHA256)})
		}
		part.Weights = Digest(weights.Digest(all))
	}
	data, err := canonical(m)
	part.Manifest = digestOf(data)
	return part, m, err
}

func fileDigest(ctx context.Context, fsys fs.FS, name string) (ManifestFile, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return ManifestFile{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, contextReader{ctx, f})
	return ManifestFile{name, n, Digest(hex.EncodeToString(h.Sum(nil)))}, err
}

// contextReader stops reading when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// parts are a loaded model's: itself, its adapter and its head.
type parts struct {
	model, adapter, head *Part
	manifests            map[Digest]Manifest
}

// partsOf digests all files of a loaded model. It reads every weight twice, for the digest of its file and of its tensor,
// so call it once for each loaded model.
func partsOf(ctx context.Context, m *loupe.Model) (*parts, error) {
	p := &parts{manifests: map[Digest]Manifest{}}
	for _, f := range m.Stored().PartFiles() {
		part, list, err := manifest(ctx, f.Name, f.Files, f.Checkpoint)
		if err != nil {
			return nil, err
		}
		p.manifests[part.Manifest] = list
		switch f.Part {
		case "model":
			p.model = &part
		case "adapter":
			p.adapter = &part
		case "head":
			p.head = &part
		}
	}
	return p, nil
}

// compare returns the first file or tensor in which two manifests differ.
func (recorded Manifest) compare(what string, now Manifest) *difference {
	have := map[string]ManifestFile{}
	for _, f := range now.Files {
		have[f.Name] = f
	}
	var first *difference
	for _, f := range recorded.Files {
		g, ok := have[f.Name]
		delete(have, f.Name)
		switch {
		case first != nil || f == g:
		case !ok:
			first = &difference{what + " file " + f.Name, "it is not there any more"}
		default:
			first = &difference{what + " file " + f.Name, fmt.Sprintf("its digest was %s, and is %s", f.SHA256, g.SHA256)}
		}
	}
	if first == nil {
		for _, f := range now.Files {
			if _, more := have[f.Name]; more {
				return &difference{what + " file " + f.Name, "it was not there"}
			}
		}
		return nil
	}
	if t := recorded.tensor(now); t != "" {
		first.how += "; the first tensor that differs is " + t
	}
	return first
}

// tensor is the name of the first tensor that differs, "" for none.
func (recorded Manifest) tensor(now Manifest) string {
	have := map[string]ManifestTensor{}
	for _, t := range now.Tensors {
		have[t.Name] = t
	}
	for _, t := range recorded.Tensors {
		g, ok := have[t.Name]
		if !ok || g.DType != t.DType || g.SHA256 != t.SHA256 || !slices.Equal(g.Shape, t.Shape) {
			return t.Name
		}
	}
	return ""
}
