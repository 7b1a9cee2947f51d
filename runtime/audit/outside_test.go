package audit

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerifierOfOnePage: the Python verifier of docs believes a directory, and finds what was changed in it.
func TestVerifierOfOnePage(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to run docs/audit_verifier.py")
	}
	dir, _ := filled(t)
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Redact(context.Background(), []int64{0, 1}, RedactOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.AddKey(context.Background(), filepath.Join(t.TempDir(), "second.key"), ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	verifier := filepath.Join("..", "..", "docs", "audit_verifier.py")
	if out, err := exec.Command(python, verifier, dir).CombinedOutput(); err != nil || !strings.Contains(string(out), "5 entries") {
		t.Fatalf("%v: %s", err, out)
	}
	a, r := record(t, dir, 2)
	for _, path := range []string{a.kept.path(r.Decision.Answered), filepath.Join(dir, logName, "tile", "entries", "000.p", "5"), filepath.Join(dir, logName, "checkpoint")} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(python, verifier, dir).CombinedOutput(); err == nil {
			t.Errorf("%s was changed, and the verifier says: %s", path, out)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInTotoReads: securesystemslib verifies an entry's envelope, and in-toto's attestation library reads its statement.
func TestInTotoReads(t *testing.T) {
	python := os.Getenv("LOUPE_IN_TOTO")
	if python == "" {
		t.Skip("LOUPE_IN_TOTO names no Python that has securesystemslib and in-toto-attestation")
	}
	dir, _ := filled(t)
	_, r := record(t, dir, 1)
	record := filepath.Join(t.TempDir(), "record.json")
	if err := os.WriteFile(record, r.Entry, 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, filepath.Join("testdata", "in_toto.py"), record, r.By.Text).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "decision-v1") {
		t.Errorf("%v: %s", err, out)
	}
}

// FuzzRecord: no entry makes the reader panic, and none is believed that nobody signed.
func FuzzRecord(f *testing.F) {
	k, err := NewKey("example.org/log")
	if err != nil {
		f.Fatal(err)
	}
	entry, err := event{kind: ReviewPredicate, predicate: &Review{By: "me", Why: "x"}}.entry(0, "", fixedTime, k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(entry)
	f.Add([]byte(`{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if string(data) == string(entry) {
			return
		}
		if r, err := parseRecord(0, data, []PublicKey{k.Public()}); err == nil {
			t.Errorf("a record that nobody signed is believed: %v", r.Statement)
		}
	})
}
