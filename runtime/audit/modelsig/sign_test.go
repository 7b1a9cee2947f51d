package modelsig

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// keys writes a key pair of a curve, and gives the paths.
func keys(t *testing.T, curve elliptic.Curve) (private, public string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte, err error) string {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	der, err := x509.MarshalECPrivateKey(k)
	private = write("key.pem", "EC PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(&k.PublicKey)
	return private, write("key.pub.pem", "PUBLIC KEY", der, err)
}

// readKeys reads the two halves of a key.
func readKeys(t *testing.T, private, public string) (*PrivateKey, *PublicKey) {
	t.Helper()
	k, err := ReadPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return k, p
}

// model is a directory of a few files, one of them a link as in a hub's cache.
func model(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	for name, text := range map[string]string{"config.json": "{}", "model.safetensors": "weights", "sub/vocab.txt": "a", ".gitattributes": "not signed"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSignAndVerify(t *testing.T) {
	ctx := context.Background()
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		t.Run(curve.Params().Name, func(t *testing.T) {
			private, public := keys(t, curve)
			k, p := readKeys(t, private, public)
			dir := model(t)
			if err := Verify(ctx, dir, p); err == nil {
				t.Error("a model without a signature is taken")
			}
			if err := Sign(ctx, dir, k); err != nil {
				t.Fatal(err)
			}
			if err := Verify(ctx, dir, p); err != nil {
				t.Fatal(err)
			}
			_, other := keys(t, curve)
			if o, err := ReadPublicKey(other); err != nil {
				t.Fatal(err)
			} else if err := Verify(ctx, dir, o); err == nil || !strings.Contains(err.Error(), "another key") {
				t.Errorf("another key: %v", err)
			}
		})
	}
}

// TestWhatChangedIsNamed: a file that is changed, removed or added is named, and so is a signature that was changed.
func TestWhatChangedIsNamed(t *testing.T) {
	ctx := context.Background()
	private, public := keys(t, elliptic.P256())
	k, p := readKeys(t, private, public)
	for _, c := range []struct {
		name, want string
		change     func(dir string) error
	}{
		{"changed", "model.safetensors was changed", func(d string) error {
			return os.WriteFile(filepath.Join(d, "model.safetensors"), []byte("Weights"), 0o666)
		}},
		{"removed", "config.json was signed, and is not there", func(d string) error { return os.Remove(filepath.Join(d, "config.json")) }},
		{"added", "extra.json is not among", func(d string) error { return os.WriteFile(filepath.Join(d, "extra.json"), nil, 0o666) }},
		{"not covered", "", func(d string) error { return os.WriteFile(filepath.Join(d, ".gitattributes"), []byte("x"), 0o666) }},
		{"signature", "model.sig", func(d string) error {
			data, err := os.ReadFile(filepath.Join(d, Name))
			if err == nil {
				data[len(data)/2] ^= 1
				err = os.WriteFile(filepath.Join(d, Name), data, 0o666)
			}
			return err
		}},
	} {
		dir := model(t)
		if err := Sign(ctx, dir, k); err != nil {
			t.Fatal(err)
		}
		if err := c.change(dir); err != nil {
			t.Fatal(err)
		}
		err := Verify(ctx, dir, p)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for _, text := range []string{"", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPrivateKey(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("private key %q: %v", text, err)
		}
		if _, err := ReadPublicKey(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("public key %q: %v", text, err)
		}
	}
}

// TestReferenceTool: OpenSSF's tool verifies our signature, and we its.
func TestReferenceTool(t *testing.T) {
	python := os.Getenv("LOUPE_MODEL_SIGNING")
	if python == "" {
		t.Skip("LOUPE_MODEL_SIGNING names no Python that has the package model-signing")
	}
	ctx := context.Background()
	private, public := keys(t, elliptic.P256())
	k, p := readKeys(t, private, public)
	ours, theirs := model(t), model(t)
	if err := Sign(ctx, ours, k); err != nil {
		t.Fatal(err)
	}
	tool := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(python, append([]string{"-m", "model_signing"}, args...)...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	tool("verify", "key", ours, "--signature", filepath.Join(ours, Name), "--public_key", public)
	tool("sign", "key", theirs, "--signature", filepath.Join(theirs, Name), "--private_key", private)
	if err := Verify(ctx, theirs, p); err != nil {
		t.Errorf("theirs: %v", err)
	}
}

// FuzzOpen: no bundle makes the reader panic.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"mediaType":"","verificationMaterial":{"publicKey":{"hint":""},"tlogEntries":[]},"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA==","keyid":""}]}}`))
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.TempDir(), Name)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := open(context.Background(), path, &PublicKey{&k.PublicKey}); err == nil {
			t.Error("a signature that nobody made is taken")
		}
	})
}
