package picture

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readKinds calls f with each picture of testdata/kinds.tar.gz.
func readKinds(t testing.TB, f func(name string, data []byte)) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "kinds.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		f(h.Name, data)
	}
}

// refusedKinds are the pictures of kinds.tar.gz that the reference reads and this package refuses, and what it says.
var refusedKinds = map[string]string{
	"bmp/bits4_black_white.bmp": "palette of 2 grays", "bmp/bits8_black_white.bmp": "palette of 2 grays", "bmp/bits4_ramp.bmp": "palette of 16 grays",
	"gif/code_size_9.gif": "code size of 9", "gif/code_size_11.gif": "code size of 11", "jpeg/arithmetic.jpg": "arithmetic coding", "png/missing_rows.png": "row 10 of 11: it is missing",
	"tiff/lab.tiff": "L*a*b*", "tiff/lzw_old.tiff": "LZW of the old style",
	"tiff/missing_strips.tiff": "2 of its 3 strips", "tiff/surplus_strips.tiff": "6 strips or tiles", "tiff/gray8_inverted_planar.tiff": "one sample in a plane",
	"tiff/cmyk16_planar.tiff": "planes of 16 bits", "tiff/rgb16_planar.tiff": "planes of 16 bits", "tiff/rgba16_planar.tiff": "planes of 16 bits",
	"tiff/float0_deflate_big.tiff": "highest byte first", "tiff/float1_deflate_big.tiff": "highest byte first", "tiff/signed32_deflate_big.tiff": "highest byte first",
	"tiff/signed16_big_endian_lzw.tiff": "highest byte first", "tiff/signed16_predictor_big.tiff": "highest byte first",
}

// TestKinds compares more than a thousand small pictures of the kinds that Pillow's and image-rs's tests have with what the
// reference makes of them: equal, or refused with a reason, and never silently other. What the reference refuses is refused.
func TestKinds(t *testing.T) {
	rows := readJSON[map[string]expectedRow](t, filepath.Join("testdata", "kinds.json"))
	n, equal := 0, 0
	readKinds(t, func(name string, data []byte) {
		n++
		want, ok := rows[name]
		if !ok {
			t.Errorf("%s: not in kinds.json; run testdata/make_kinds.py", name)
			return
		}
		img, err := Decode(t.Context(), data, Limits{})
		why, refused := refusedKinds[name]
		switch {
		case want.Error != "":
			if err == nil {
				t.Errorf("%s: accepted; the reference refuses it (%s)", name, want.Error)
			}
		case refused:
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: the error is %v, want one that says %q", name, err, why)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case [2]int{img.Width, img.Height} != want.Size || sha(img.Pix) != want.RGB:
			t.Errorf("%s: %d x %d pixels that differ from the reference's, %v", name, img.Width, img.Height, want.Size)
		case want.White != "" && sha(img.OnWhite().Pix) != want.White || want.White == "" && sha(img.OnWhite().Pix) != want.RGB:
			t.Errorf("%s: on white, with the key %v, the pixels differ from the reference's", name, img.Key)
		default:
			equal++
		}
	})
	if n != len(rows) || n < 500 {
		t.Errorf("%d pictures beside %d rows: run testdata/make_kinds.py", n, len(rows))
	}
	t.Logf("%d pictures: %d equal to the reference, %d refused with a reason where it reads them", n, equal, len(refusedKinds))
}
