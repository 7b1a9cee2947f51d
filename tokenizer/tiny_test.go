package tokenizer

import (
	"io/fs"
	"os"
	"slices"
	"testing"
)

// tiny is the committed tokenizer: the 256 bytes, a few dozen merges, added
// tokens of every kind.
func tiny(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := Load("testdata/tiny")
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func checkIDs(t *testing.T, tok *Tokenizer, text string, want []int) {
	t.Helper()
	got, err := tok.Encode(text)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Encode(%q) = %v, %v; want %v", text, got, err, want)
	}
}

// without is fsys less some files.
func without(fsys fs.FS, names ...string) fs.FS { return hiding{fsys, names} }

type hiding struct {
	fs.FS
	names []string
}

func (h hiding) Open(name string) (fs.File, error) {
	if slices.Contains(h.names, name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	return h.FS.Open(name)
}

// The ids of tiny-vectors.json are those of Hugging Face's tokenizers 0.23.3.
func TestTinyVectors(t *testing.T) {
	var all []vector
	readJSON(t, "testdata/tiny-vectors.json", &all)
	tok := tiny(t)
	for _, v := range all {
		checkIDs(t, tok, v.Text, v.IDs)
		back, err := tok.Decode(v.IDs)
		if err != nil || string(back) != nfc(v.Text) {
			t.Errorf("Decode(Encode(%q)) = %q, %v; want %q", v.Text, back, err, nfc(v.Text))
		}
	}
}
