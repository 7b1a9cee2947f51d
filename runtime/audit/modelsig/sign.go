package modelsig

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// The types of the format.
const (
	mediaType     = "application/vnd.dev.sigstore.bundle.v0.3+json"
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://model_signing/signature/v1.0"
)

// bundle is a Sigstore bundle, as far as signatures by keys need it.
type bundle struct {
	MediaType string `json:"mediaType"`
	Material  struct {
		PublicKey   *keyHint          `json:"publicKey,omitempty"`
		TlogEntries []json.RawMessage `json:"tlogEntries"`
	} `json:"verificationMaterial"`
	Envelope dsse.Envelope `json:"dsseEnvelope"`
}

type keyHint struct {
	Hint string `json:"hint"`
}

// statement is the in-toto statement of a model.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type predicate struct {
	Serialization serialization `json:"serialization"`
	Resources     []resource    `json:"resources"`
}

type serialization struct {
	Method        string   `json:"method"`
	HashType      string   `json:"hash_type"`
	AllowSymlinks bool     `json:"allow_symlinks"`
	IgnorePaths   []string `json:"ignore_paths"`
}

// Sign writes DIR/model.sig, a signature over every other file in the directory.
func Sign(ctx context.Context, dir string, k *PrivateKey) error {
	files, symlinks, err := list(ctx, dir, ignored)
	if err != nil {
		return fmt.Errorf("sign model %s: %w", dir, err)
	}
	if len(files) == 0 {
		return fmt.Errorf("sign model %s: the directory holds no files", dir)
	}
	root, err := rootDigest(files)
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	s := statement{
		Type: statementType, PredicateType: predicateType, Subject: []subject{{filepath.Base(abs), map[string]string{"sha256": root}}},
		Predicate: predicate{serialization{"files", "sha256", symlinks, ignored}, files},
	}
	payload, err := json.Marshal(s)
	if err != nil {
		return err
	}
	signer, err := dsse.NewEnvelopeSigner(k)
	if err != nil {
		return err
	}
	e, err := signer.SignPayload(ctx, payloadType, payload)
	if err != nil {
		return fmt.Errorf("sign model %s: %w", dir, err)
	}
	b := bundle{MediaType: mediaType, Envelope: *e}
	hint, err := k.Public().hint()
	if err != nil {
		return err
	}
	b.Material.PublicKey, b.Material.TlogEntries = &keyHint{hint}, []json.RawMessage{}
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return disk.WriteFile(filepath.Join(dir, Name), func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Verify checks that DIR/model.sig is a signature by the key, and that the directory holds exactly the files that it covers. The error
// names the first file that is missing, added or changed.
func Verify(ctx context.Context, dir string, k *PublicKey) error {
	if err := verify(ctx, dir, k); err != nil {
		return fmt.Errorf("signature of model %s: %w", dir, err)
	}
	return nil
}

func verify(ctx context.Context, dir string, k *PublicKey) error {
	s, err := open(ctx, filepath.Join(dir, Name), k)
	if err != nil {
		return err
	}
	signed := map[string]string{}
	for _, r := range s.Predicate.Resources {
		signed[r.Name] = r.Digest
	}
	files, _, err := list(ctx, dir, append([]string{Name}, s.Predicate.Serialization.IgnorePaths...))
	if err != nil {
		return err
	}
	for _, f := range files {
		want, ok := signed[f.Name]
		if !ok {
			return fmt.Errorf("file %s is not among those that were signed; remove it, or sign the model again", f.Name)
		}
		if want != f.Digest {
			return fmt.Errorf("file %s was changed after it was signed: its digest is %s, and %s was signed", f.Name, f.Digest, want)
		}
		delete(signed, f.Name)
	}
	for _, r := range s.Predicate.Resources {
		if _, missing := signed[r.Name]; missing {
			return fmt.Errorf("file %s was signed, and is not there", r.Name)
		}
	}
	return nil
}

// open reads a signature and checks all but the files.
func open(ctx context.Context, path string, k *PublicKey) (*statement, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("%w; sign the model first, by modelsig.Sign", err)
	}
	var b bundle
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("%s is no Sigstore bundle", Name)
	}
	if b.Envelope.PayloadType != payloadType || len(b.Envelope.Signatures) != 1 {
		return nil, fmt.Errorf("%s holds %q with %d signatures; a model's signature is %q with one", Name, b.Envelope.PayloadType, len(b.Envelope.Signatures), payloadType)
	}
	if b.Material.PublicKey == nil {
		return nil, fmt.Errorf("%s was made with a certificate and not with a key; loupe checks signatures of keys", Name)
	}
	hint, err := k.hint()
	if err != nil {
		return nil, err
	}
	if h := b.Material.PublicKey.Hint; h != "" && h != hint {
		return nil, fmt.Errorf("it was signed by another key: the SHA-256 of its PEM is %s, and that of the key that is required is %s", h, hint)
	}
	v, err := dsse.NewEnvelopeVerifier(k)
	if err != nil {
		return nil, err
	}
	if _, err := v.Verify(ctx, &b.Envelope); err != nil {
		return nil, fmt.Errorf("%s was not signed by this key, or was changed", Name)
	}
	payload, err := b.Envelope.DecodeB64Payload()
	if err != nil {
		return nil, err
	}
	var s statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("the statement in %s cannot be read", Name)
	}
	return &s, s.check()
}

// check refuses statements of another kind.
func (s *statement) check() error {
	switch how := s.Predicate.Serialization; {
	case s.PredicateType != predicateType:
		return fmt.Errorf("its statement is %q, and a model's signature is %q", s.PredicateType, predicateType)
	case how.Method != "files" || how.HashType != "sha256":
		return fmt.Errorf("it digests %s by %s; loupe checks files by sha256", how.Method, how.HashType)
	case len(s.Subject) != 1:
		return fmt.Errorf("its statement is about %d things, and a model is one", len(s.Subject))
	}
	root, err := rootDigest(s.Predicate.Resources)
	if err != nil {
		return err
	}
	if root != s.Subject[0].Digest["sha256"] {
		return fmt.Errorf("its statement is inconsistent: its files give the digest %s, and it says %s", root, s.Subject[0].Digest["sha256"])
	}
	return nil
}
