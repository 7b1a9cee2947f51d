package loupe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
)

// formula is the picture of testdata/qwenutils/make.py.
func formula(w, h, seed int) picture.Image {
	img := picture.Image{Width: w, Height: h, Pix: make([]byte, 3*w*h)}
	for y := range h {
		for x := range w {
			p := img.Pix[3*(y*w+x):]
			p[0], p[1], p[2] = byte(x*255/max(w-1, 1)), byte(y*255/max(h-1, 1)), byte(x*37+y*91+(x^y)*16+seed*50)
		}
	}
	return img
}

type keyed struct {
	From   [2]int
	Frames int
	Rate   float64
	Keys   json.RawMessage
	Size   [2]int
	Pixels string
	Count  int
	Tie    bool
	Chosen []int
	Error  string
}

// vision are the keys as a message has them. refused says that the message itself is.
func (c keyed) vision(t *testing.T, kind string) (k tokenizer.VisionKeys, refused bool) {
	t.Helper()
	part := map[string]any{"type": kind}
	if err := json.Unmarshal(c.Keys, &part); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal([]any{map[string]any{"role": "user", "content": []any{part}}})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := tokenizer.ParseMessages(data)
	if err != nil {
		return k, true
	}
	return messages[0].Parts[0].Vision, false
}

func (c keyed) holds(t *testing.T, img picture.Image, err error) {
	t.Helper()
	sum := sha256.Sum256(img.Pix)
	switch {
	case c.Error != "" && err == nil:
		t.Errorf("%v of %v is %d x %d, where qwen_vl_utils fails with %s", c.Keys, c.From, img.Width, img.Height, c.Error)
	case c.Error != "":
	case err != nil:
		t.Errorf("%s of %v: %v; it is %v", c.Keys, c.From, err, c.Size)
	case img.Width != c.Size[0] || img.Height != c.Size[1]:
		t.Errorf("%s of %v is %d x %d, want %v", c.Keys, c.From, img.Width, img.Height, c.Size)
	case !c.Tie && hex.EncodeToString(sum[:]) != c.Pixels:
		t.Errorf("%s of %v: the bytes differ", c.Keys, c.From)
	}
}

// TestVisionKeys compares pictures, frames and the choice of frames with qwen_vl_utils'.
func TestVisionKeys(t *testing.T) {
	data, err := os.ReadFile("testdata/qwenutils/read.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Images, Lists, Videos []keyed }
	if err := json.Unmarshal(data, &all); err != nil || len(all.Images) < 50 || len(all.Lists) < 20 || len(all.Videos) < 100 {
		t.Fatal(err, len(all.Images), len(all.Lists), len(all.Videos))
	}
	for _, c := range all.Images {
		k, refused := c.vision(t, "image")
		if refused && c.Error != "" {
			continue
		}
		img, err := sized(formula(c.From[0], c.From[1], 0), k, tile)
		c.holds(t, img, err)
	}
	for _, c := range all.Lists {
		k, refused := c.vision(t, "video")
		if refused && c.Error != "" {
			continue
		}
		var frames []picture.Image
		for i := range c.Frames {
			frames = append(frames, formula(c.From[0], c.From[1], i))
		}
		out, _, err := sizedFrames(frames, k, true)
		if err != nil {
			out = make([]picture.Image, 1)
		} else if len(out) != c.Count {
			t.Errorf("%d frames, want %d", len(out), c.Count)
		}
		c.holds(t, out[0], err)
	}
	for _, c := range all.Videos {
		k, refused := c.vision(t, "video")
		if refused && c.Error != "" {
			continue
		}
		frames := make([]picture.Image, c.Frames)
		for i := range frames {
			frames[i].Width = i // its number
		}
		out, err := framesOf(frames, c.Rate, k)
		var got []int
		for _, f := range out {
			got = append(got, f.Width)
		}
		if len(got) > 40 {
			got = append(got[:20:20], got[len(got)-20:]...)
		}
		if (err != nil) != (c.Error != "") || !slices.Equal(got, c.Chosen) {
			t.Errorf("%d frames at %v, %s: %v, %v; want %v %s", c.Frames, c.Rate, c.Keys, got, err, c.Chosen, c.Error)
		}
	}
}
