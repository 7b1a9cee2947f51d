package picture

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// resizeTable is what Pillow's resize and transformers' smart_resize make of sizes, by testdata/make.py.
type resizeTable struct {
	Resize []struct {
		From, To [2]int
		RGB      string
	}
	Smart []struct {
		H, W, Factor, Min, Max int
		To                     [2]int
		Error                  string
	}
	Patches []struct {
		From   [2]int
		Grid   [3]int
		Values string
	}
}

func readResizeTable(t *testing.T) resizeTable {
	return readJSON[resizeTable](t, filepath.Join("testdata", "resize.json"))
}

// formula is the picture that testdata/common.py calls rgb.
func formula(w, h int) Image {
	img := newImage(w, h)
	for y := range h {
		for x := range w {
			p := img.Pix[3*(y*w+x):]
			p[0], p[1], p[2] = byte(x*255/max(w-1, 1)), byte(y*255/max(h-1, 1)), byte(x*37+y*91+(x^y)*16)
		}
	}
	return img
}

func TestResize(t *testing.T) {
	for _, c := range readResizeTable(t).Resize {
		t.Run(fmt.Sprintf("%v to %v", c.From, c.To), func(t *testing.T) {
			img := formula(c.From[0], c.From[1])
			before := sha(img.Pix)
			got := Resize(img, c.To[0], c.To[1])
			if got.Width != c.To[0] || got.Height != c.To[1] || len(got.Pix) != 3*c.To[0]*c.To[1] {
				t.Fatalf("%d x %d with %d bytes", got.Width, got.Height, len(got.Pix))
			}
			if sha(got.Pix) != c.RGB {
				t.Error("the pixels differ from Pillow's")
			}
			if sha(img.Pix) != before {
				t.Error("the argument is changed")
			}
		})
	}
}

// TestResizeKeepsOneColor: the weights of every output pixel sum to one, so a plain picture stays as it is.
func TestResizeKeepsOneColor(t *testing.T) {
	for _, to := range [][2]int{{28, 28}, {1, 1}, {300, 2}, {2, 300}, {57, 43}} {
		img := newImage(43, 57)
		for i := range img.Pix {
			img.Pix[i] = []byte{0, 255, 131}[i%3]
		}
		got := Resize(img, to[0], to[1])
		want := newImage(to[0], to[1])
		for i := range want.Pix {
			want.Pix[i] = []byte{0, 255, 131}[i%3]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: (-want +got)\n%s", to, diff)
		}
	}
}

func TestOnWhite(t *testing.T) {
	img := Image{Width: 3, Height: 1, Pix: []byte{9, 8, 7, 9, 8, 6, 9, 8, 7}, Key: &[3]byte{9, 8, 7}}
	if diff := cmp.Diff([]byte{255, 255, 255, 9, 8, 6, 255, 255, 255}, img.OnWhite().Pix); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if img.Pix[0] != 9 {
		t.Error("the picture itself is changed")
	}
}
