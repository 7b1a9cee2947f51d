package jpeg

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// expected is what Pillow decodes a file of testdata to.
type expected struct {
	Width, Height int
	SHA256        string
}

func readExpected(t testing.TB) map[string]expected {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Files map[string]expected }
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all.Files
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestEqualsPillow decodes every file of testdata to the bytes that Pillow gives.
func TestEqualsPillow(t *testing.T) {
	for name, want := range readExpected(t) {
		t.Run(name, func(t *testing.T) {
			data := readFile(t, name)
			img, err := Decode(t.Context(), data, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if img.Width != want.Width || img.Height != want.Height {
				t.Fatalf("decoded to %d x %d, want %d x %d", img.Width, img.Height, want.Width, want.Height)
			}
			if sum := sha256.Sum256(img.Pix); hex.EncodeToString(sum[:]) != want.SHA256 {
				t.Errorf("the pixels have the digest %x, want %s", sum, want.SHA256)
			}
		})
	}
}

// TestDecodeLeavesItsInput: a map of a file can be decoded, and twice to the same.
func TestDecodeLeavesItsInput(t *testing.T) {
	data := readFile(t, "progressive420.jpg")
	before := bytes.Clone(data)
	first, err := Decode(t.Context(), data, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Decode(t.Context(), data, 1<<20)
	if err != nil || !bytes.Equal(first.Pix, second.Pix) || !bytes.Equal(data, before) {
		t.Errorf("decoding again differs, or changed its input: %v", err)
	}
}
