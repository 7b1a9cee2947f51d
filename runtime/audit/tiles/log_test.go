package tiles

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// testKey is a signer, and the list that trusts it.
func testKey(t testing.TB) (note.Signer, note.Verifiers) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, "example.org/log")
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return s, note.VerifierList(v)
}

func testEntry(i int64) []byte {
	return bytes.Repeat(binary.BigEndian.AppendUint64(nil, uint64(i)), 1+int(i)%3)
}

// grown is a log with n entries, appended in batches of these sizes in turn.
func grown(t testing.TB, n int64, batches ...int64) (string, note.Signer, note.Verifiers) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log")
	s, keys := testKey(t)
	l, err := Create(dir, "example.org/log", s)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; l.Size() < n; i++ {
		var batch [][]byte
		for j := range min(batches[i%len(batches)], n-l.Size()) {
			batch = append(batch, testEntry(l.Size()+j))
		}
		if err := l.Append(batch, s); err != nil {
			t.Fatal(err)
		}
	}
	return dir, s, keys
}

// TestLogHoldsWhatWasAppended: of any size and cut into any batches, the log has the root that tlog computes itself, its entries come
// back, its check passes and it goes on after it was closed.
func TestLogHoldsWhatWasAppended(t *testing.T) {
	for _, c := range []struct {
		n       int64
		batches []int64
	}{{0, []int64{1}}, {1, []int64{1}}, {5, []int64{1}}, {255, []int64{3, 50}}, {256, []int64{256}}, {257, []int64{7}}, {600, []int64{600}}, {1030, []int64{1, 200, 3}}} {
		t.Run(fmt.Sprint(c.n, c.batches), func(t *testing.T) {
			dir, s, keys := grown(t, c.n, c.batches...)
			checkGrown(t, dir, keys, c.n)
			l, torn, err := Open(dir, keys)
			if err != nil || len(torn) > 0 {
				t.Fatalf("open again: %v, torn %v", err, torn)
			}
			for range 3 {
				if err := l.Append([][]byte{testEntry(l.Size())}, s); err != nil {
					t.Fatal(err)
				}
			}
			checkGrown(t, dir, keys, c.n+3)
		})
	}
}

func checkGrown(t *testing.T, dir string, keys note.Verifiers, n int64) {
	t.Helper()
	r, err := OpenReader(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i := range n {
		hashes, err := tlog.StoredHashes(i, testEntry(i), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	want, err := tlog.TreeHash(n, reader)
	if err != nil {
		t.Fatal(err)
	}
	if r.Checkpoint.Tree != (tlog.Tree{N: n, Hash: want}) {
		t.Fatalf("checkpoint has %v, right is %d entries and root %v", r.Checkpoint.Tree, n, want)
	}
	seen := int64(0)
	err = r.Check(context.Background(), func(i int64, entry []byte) error {
		if i != seen || !bytes.Equal(entry, testEntry(i)) {
			t.Errorf("entry %d comes as number %d: %x", seen, i, entry)
		}
		seen++
		return nil
	})
	if err != nil || seen != n {
		t.Fatalf("check: %v after %d of %d entries", err, seen, n)
	}
	for _, i := range []int64{0, n / 2, n - 1} {
		if i < 0 || i >= n {
			continue
		}
		entry, err := r.Entry(i)
		if err != nil || !bytes.Equal(entry, testEntry(i)) {
			t.Errorf("entry %d: %v, %x", i, err, entry)
		}
		p, err := r.Prove(i)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseProof(p.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Verify(testEntry(i), keys); err != nil {
			t.Errorf("proof of entry %d: %v", i, err)
		}
		if _, err := again.Verify(testEntry(i+1), keys); err == nil {
			t.Errorf("the proof of entry %d holds for another entry", i)
		}
	}
	if _, strange, err := r.Leftovers(); err != nil || len(strange) > 0 {
		t.Errorf("strange files %v, %v", strange, err)
	}
}

// TestEveryFlippedBitIsFound: whichever byte of whichever file is changed, the check names a file or an entry.
func TestEveryFlippedBitIsFound(t *testing.T) {
	dir, _, keys := grown(t, 300, 1, 99, 100)
	found := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, at := range []int{0, len(data) / 2, len(data) - 1} {
			bad := bytes.Clone(data)
			bad[at] ^= 1
			if err := os.WriteFile(path, bad, 0o666); err != nil {
				return err
			}
			r, err := OpenReader(dir, keys)
			if err == nil {
				err = r.Check(context.Background(), nil)
			}
			if err == nil {
				t.Errorf("byte %d of %s was changed, and the check passes", at, path)
			} else if !strings.Contains(err.Error(), "tile/") && !strings.Contains(err.Error(), "checkpoint") && !strings.Contains(err.Error(), "entr") {
				t.Errorf("byte %d of %s: the error names nothing: %v", at, path, err)
			}
			found++
		}
		return os.WriteFile(path, data, 0o666)
	})
	if err != nil || found < 12 {
		t.Fatalf("%d places tried: %v", found, err)
	}
}

// TestTornTailIsSetAside: files that a writer had begun and no checkpoint covers are moved away and reported, and the log goes on.
func TestTornTailIsSetAside(t *testing.T) {
	dir, s, keys := grown(t, 254, 254)
	before := files(t, dir)
	l, _, err := Open(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append([][]byte{[]byte("a"), []byte("b"), []byte("c")}, s); err != nil {
		t.Fatal(err)
	}
	// As if the process had died before the checkpoint was renamed: partial tiles are removed only after it.
	for path, data := range before {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	temporary := filepath.Join(dir, ".loupe-ABC.part")
	if err := os.WriteFile(temporary, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	l, torn, err := Open(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	if len(torn) != 5 { // the whole tiles of entries and hashes, their next partial ones, and level 1
		t.Errorf("set aside: %v", torn)
	}
	for _, path := range torn {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("reported, but not there: %v", err)
		}
	}
	if _, err := os.Stat(temporary); err == nil {
		t.Error("a file that was never whole is still there")
	}
	checkGrown(t, dir, keys, 254)
	for l.Size() < 260 {
		if err := l.Append([][]byte{testEntry(l.Size())}, s); err != nil {
			t.Fatal(err)
		}
	}
	checkGrown(t, dir, keys, 260)
}

// files are all files below dir.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		out[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSince: a log that grew holds all that an older checkpoint covered, and one that was rewritten does not.
func TestSince(t *testing.T) {
	dir, s, keys := grown(t, 100, 100)
	r, err := OpenReader(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	old := r.Checkpoint
	l, _, err := Open(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append([][]byte{[]byte("x")}, s); err != nil {
		t.Fatal(err)
	}
	if r, err = OpenReader(dir, keys); err != nil {
		t.Fatal(err)
	}
	if err := r.Since(old); err != nil {
		t.Errorf("a log that grew: %v", err)
	}
	bent := old
	bent.Tree.Hash[0] ^= 1
	if err := r.Since(bent); err == nil || !strings.Contains(err.Error(), "rewritten") {
		t.Errorf("another root: %v", err)
	}
	longer := old
	longer.Tree.N = 500
	if err := r.Since(longer); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("a longer one: %v", err)
	}
}
