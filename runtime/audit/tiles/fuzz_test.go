package tiles

import (
	"bytes"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// FuzzProof: no proof makes the reader panic, none is believed that no log gave, and what is read is written back to the same bytes.
func FuzzProof(f *testing.F) {
	dir, _, keys := grown(f, 5, 5)
	r, err := OpenReader(dir, keys)
	if err != nil {
		f.Fatal(err)
	}
	p, err := r.Prove(3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Bytes())
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ParseProof(data)
		if err != nil {
			return
		}
		if _, err := got.Verify([]byte("no entry of the log"), keys); err == nil {
			t.Error("a proof of an entry that the log does not have is believed")
		}
	})
}

// FuzzCheckpoint: no note makes the reader panic.
func FuzzCheckpoint(f *testing.F) {
	dir, _, keys := grown(f, 5, 5)
	r, err := OpenReader(dir, keys)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Signed)
	f.Add([]byte("example.org/log\n5\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseCheckpoint(data, keys); err == nil && c.Tree != r.Checkpoint.Tree {
			t.Errorf("a checkpoint that nobody signed is believed: %v", c.Tree)
		}
		_, _ = ParseCheckpoint(data, note.VerifierList())
		_, _ = parseCheckpointText(string(data))
	})
}

// FuzzBundle: a tile of entries is cut into entries that give the same tile again, or refused.
func FuzzBundle(f *testing.F) {
	f.Add(appendEntry(appendEntry(nil, []byte("a")), nil), 2)
	f.Add([]byte{0, 5, 1}, 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		if n < 0 || n > Width {
			return
		}
		entries, err := SplitBundle(data, n)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			again = appendEntry(again, e)
		}
		if !bytes.Equal(again, data) {
			t.Errorf("%x gives %x", data, again)
		}
	})
}
