package loupe

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/runtime/demo"
)

// TestPicturesIn: every file that a person would call a picture is listed, by its name or by its first bytes, and nothing is
// left out of both lists.
func TestPicturesIn(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{
		"a.JPG": "", "b.HEIC": "", "c.heif": "", "d.NEF": "", "e.svg": "", "f.tga": "", "g.tif": "\x00", "h": string(demo.Picture()), "i.txt": "\xff\xd8\xff\xe0", "j.dat": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00",
		"k.xml": `<?xml version="1.0"?><svg/>`, "notes.txt": "BMW", "data.csv": "image,score", "film.mp4": "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", "._a.JPG": "", ".DS_Store": "", "bill.pdf": "%PDF-1.7",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "more.jpg"), 0o700); err != nil {
		t.Fatal(err)
	}
	names, others, err := picturesIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	base := func(paths []string) (out []string) {
		for _, p := range paths {
			out = append(out, filepath.Base(p))
		}
		return out
	}
	if diff := cmp.Diff([]string{"a.JPG", "b.HEIC", "c.heif", "d.NEF", "e.svg", "f.tga", "g.tif", "h", "i.txt", "j.dat", "k.xml"}, base(names)); diff != "" {
		t.Errorf("pictures (-want +got)\n%s", diff)
	}
	left := []string{".DS_Store", "._a.JPG", "bill.pdf", "data.csv", "film.mp4", "more.jpg", "notes.txt"}
	if diff := cmp.Diff(left, base(others)); diff != "" {
		t.Errorf("others (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(left, base(PassedOver([]string{dir, filepath.Join(dir, "a.JPG")}))); diff != "" {
		t.Errorf("passed over (-want +got)\n%s", diff)
	}
	if _, _, err := picturesIn(filepath.Join(dir, "more.jpg")); err == nil {
		t.Error("an empty directory has pictures")
	}
}
