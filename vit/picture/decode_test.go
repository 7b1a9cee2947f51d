package picture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// expectedRow is what the reference makes of a file of testdata, by testdata/make.py.
type expectedRow struct {
	Error  string // the reference refuses it
	Size   [2]int
	RGB    string
	White  string // with the transparent color shown white, where that differs from RGB
	Frames []struct {
		MS  float64
		RGB string
	}
}

func expectedRows(t testing.TB) map[string]expectedRow {
	return readJSON[map[string]expectedRow](t, filepath.Join("testdata", "expected.json"))
}

func readPicture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "files", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// refused are the files of testdata that the reference may read and this package does not, and what the error says of them.
var refused = map[string]string{
	"lab.tiff": "L*a*b*", "ycbcr.tiff": "not compressed",
}

// TestDecode compares every kind of picture with what the reference's load_image and convert_to_rgb make of it, byte for
// byte; what is refused says why, and never comes out as other pixels.
func TestDecode(t *testing.T) {
	rows := expectedRows(t)
	if entries, err := os.ReadDir(filepath.Join("testdata", "files")); err != nil || len(entries) != len(rows) {
		t.Fatalf("%d files beside %d rows (%v): run testdata/make.py", len(entries), len(rows), err)
	}
	for name, want := range rows {
		t.Run(name, func(t *testing.T) {
			img, err := LoadFile(t.Context(), filepath.Join("testdata", "files", name), Limits{})
			if why, ok := refused[name]; ok || want.Error != "" {
				if err == nil {
					t.Fatalf("accepted; the table says refused (%s), the reference %q", why, want.Error)
				}
				if !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), name) {
					t.Errorf("the error %q does not name %s and %q", err, name, why)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := [2]int{img.Width, img.Height}; got != want.Size || len(img.Pix) != 3*img.Width*img.Height {
				t.Fatalf("size %v with %d bytes, want %v", got, len(img.Pix), want.Size)
			}
			if sha(img.Pix) != want.RGB {
				t.Errorf("the pixels differ from the reference's")
			}
			if want.White == "" {
				want.White = want.RGB
			}
			if sha(img.OnWhite().Pix) != want.White {
				t.Errorf("on white, with the key %v, the pixels differ from the reference's", img.Key)
			}
		})
	}
	for name := range refused {
		if _, ok := rows[name]; !ok {
			t.Errorf("%s is in the table of refusals and not in testdata", name)
		}
	}
}
