package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/audit/tiles"
	"golang.org/x/mod/sumdb/tlog"
)

// witness is one as C2SP tlog-witness has it: it signs a checkpoint if that goes on from the last one that it saw.
type witness struct {
	t    *testing.T
	key  ed25519.PrivateKey
	text string
	log  PublicKey
	seen tiles.Checkpoint
}

func newWitness(t *testing.T, log PublicKey) *witness {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw := append([]byte{4}, public...)
	h := sha256.Sum256(append([]byte("example.org/witness\n"), raw...))
	return &witness{t: t, key: private, log: log, text: fmt.Sprintf("example.org/witness+%x+%s", h[:4], base64.StdEncoding.EncodeToString(raw))}
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/prefix/add-checkpoint" {
		http.Error(out, "what", http.StatusBadRequest)
		return
	}
	head, signed, _ := bytes.Cut(data, []byte("\n\n"))
	var old int64
	var proof tlog.TreeProof
	for lines := bufio.NewScanner(bytes.NewReader(head)); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "old "); ok {
			fmt.Sscan(text, &old)
			continue
		}
		h, err := tlog.ParseHash(lines.Text())
		if err != nil {
			w.t.Error(err)
		}
		proof = append(proof, h)
	}
	c, err := tiles.ParseCheckpoint(signed, verifiers([]PublicKey{w.log}))
	if err != nil {
		http.Error(out, err.Error(), http.StatusForbidden)
		return
	}
	if old != w.seen.Tree.N {
		out.WriteHeader(http.StatusConflict)
		fmt.Fprintln(out, w.seen.Tree.N)
		return
	}
	if old > 0 && old < c.Tree.N && tlog.CheckTree(proof, c.Tree.N, c.Tree.Hash, old, w.seen.Tree.Hash) != nil || old == c.Tree.N && w.seen.Note != nil && c.Tree != w.seen.Tree {
		http.Error(out, "inconsistent", http.StatusUnprocessableEntity)
		return
	}
	w.seen = c
	const at = 1767225600
	msg := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, c.Note.Text)
	h := sha256.Sum256(append([]byte("example.org/witness\n"), append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)...))
	sig := binary.BigEndian.AppendUint64(h[:4:4], at)
	sig = append(sig, ed25519.Sign(w.key, msg)...)
	fmt.Fprintf(out, "— example.org/witness %s\n", base64.StdEncoding.EncodeToString(sig))
}

// TestWitness: a witness signs the log as it grows, the check follows what it signed, and a log that was written anew is found out by it.
func TestWitness(t *testing.T) {
	dir, _ := filled(t)
	ctx := context.Background()
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := newWitness(t, a.Keys()[0])
	server := httptest.NewServer(w)
	defer server.Close()
	url := server.URL + "/prefix"
	if n, err := a.Witness(ctx, url, w.text); err != nil || n != 3 {
		t.Fatalf("first: %d, %v", n, err)
	}
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := b.Review(ctx, 0, "", nil, "me", "why"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if a, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Witness(ctx, url, w.text); err != nil || n != 5 {
		t.Fatalf("as the log grew: %d, %v", n, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, witnessedName)); err != nil { // the sizes that it signed are forgotten here, and it says so
		t.Fatal(err)
	}
	if n, err := a.Witness(ctx, url, w.text); err != nil || n != 5 {
		t.Fatalf("asked again: %d, %v", n, err)
	}
	c, err := check(dir)
	if err != nil || c.Witnessed != 5 {
		t.Fatalf("check: %+v, %v", c, err)
	}
	path := filepath.Join(dir, witnessedName, "5.checkpoint")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{3, len(data) / 2, len(data) - 5} {
		bad := bytes.Clone(data)
		bad[at] ^= 1
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := check(dir); err == nil {
			t.Errorf("byte %d of a cosigned checkpoint was changed, and the check passes", at)
		}
	}
	// The holder of the key writes another log under the same name.
	other := filepath.Join(t.TempDir(), "audits")
	if err := os.CopyFS(filepath.Join(other, keysName), os.DirFS(filepath.Join(dir, keysName))); err != nil {
		t.Fatal(err)
	}
	if b, err = OpenBook(other, Options{}); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if _, err := b.add(ctx, event{kind: KeyPredicate, predicate: &KeyChange{Why: "anew"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if a, err = Open(other); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Witness(ctx, url, w.text); err == nil || !strings.Contains(err.Error(), "rewritten") {
		t.Errorf("a log that was written anew: %v", err)
	}
	for _, bad := range []string{"", "x", w.text[:len(w.text)-2], "example.org/w+00000000+BAAA"} {
		if _, err := a.Witness(ctx, url, bad); err == nil {
			t.Errorf("the key %q is taken", bad)
		}
	}
}
