package picture

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode looks for files that panic, that take more memory than the limit allows, or that come out other than they say.
func FuzzDecode(f *testing.F) {
	dir := filepath.Join("testdata", "files")
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, other := range []string{"P1 2 1\n0 1", "P2 2 1 9\n# x\n3 4", "P5 2 1 999\nabcd", "P6\n1 1 255\nabc", "P4 9 1\nab"} {
		f.Add([]byte(other))
	}
	readKinds(f, func(_ string, data []byte) { f.Add(data) })
	l := Limits{MaxPixels: 1 << 16}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := Decode(t.Context(), data, l)
		if err == nil {
			checkImage(t, img, l)
			again, err := Decode(t.Context(), data, l)
			if err != nil || sha(again.Pix) != sha(img.Pix) {
				t.Errorf("decoded again it differs (%v)", err)
			}
		} else if img.Pix != nil {
			t.Errorf("pixels together with the error %v", err)
		}
		frames, seconds, err := DecodeAnimation(t.Context(), data, l)
		if err != nil {
			return
		}
		if len(frames) == 0 || len(frames) != len(seconds) {
			t.Fatalf("%d frames and %d times", len(frames), len(seconds))
		}
		for _, frame := range frames {
			checkImage(t, frame, l)
		}
		if sha(frames[0].Pix) != sha(img.Pix) {
			t.Error("the first frame is not the still picture")
		}
	})
}

func checkImage(t *testing.T, img Image, l Limits) {
	t.Helper()
	if img.Width <= 0 || img.Height <= 0 || img.Width*img.Height > l.MaxPixels || len(img.Pix) != 3*img.Width*img.Height {
		t.Fatalf("%d x %d pixels in %d bytes", img.Width, img.Height, len(img.Pix))
	}
}
