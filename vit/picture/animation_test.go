package picture

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// otherwise are the animations that are not shown as Pillow shows them; tests of their own have them.
var otherwise = map[string]bool{"no_trailer.gif": true, "anim_ramp_then_colors.gif": true}

// TestDecodeAnimation compares each frame of each GIF with ImageSequence and convert("RGB"): how it is disposed of, where
// it lies, what is transparent, and how long it stays.
func TestDecodeAnimation(t *testing.T) {
	for name, want := range expectedRows(t) {
		if filepath.Ext(name) != ".gif" || otherwise[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			frames, seconds, err := DecodeAnimation(t.Context(), readPicture(t, name), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(frames) != len(want.Frames) || len(seconds) != len(frames) {
				t.Fatalf("%d frames, %d times, want %d", len(frames), len(seconds), len(want.Frames))
			}
			for i, f := range frames {
				if [2]int{f.Width, f.Height} != want.Size {
					t.Errorf("frame %d is %d x %d, want %v", i, f.Width, f.Height, want.Size)
				}
				if sha(f.Pix) != want.Frames[i].RGB {
					t.Errorf("frame %d differs from the reference's", i)
				}
				if math.Abs(seconds[i]*1000-want.Frames[i].MS) > 1e-6 {
					t.Errorf("frame %d stays %g s, want %g ms", i, seconds[i], want.Frames[i].MS)
				}
			}
		})
	}
}

// TestDecodeAnimationKeepsColors: after a first frame in a gray ramp, Pillow shows the palette of a later frame as grays;
// here it keeps its colors.
func TestDecodeAnimationKeepsColors(t *testing.T) {
	frames, _, err := DecodeAnimation(t.Context(), readPicture(t, "anim_ramp_then_colors.gif"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	at := func(frame, x, y int) [3]byte { return [3]byte(frames[frame].Pix[3*(y*frames[frame].Width+x):]) }
	// Index 5 lies at (1, 0) of the first frame, and of the second one's, whose corner is at (5, 5).
	if got, want := at(1, 1, 0), ([3]byte{5, 5, 5}); got != want {
		t.Errorf("beside the second frame the color is %v, want %v", got, want)
	}
	if got, want := at(1, 6, 5), ([3]byte{5 * 83 % 256, 255 - 5*255/7, 5*29 + 7}); got != want {
		t.Errorf("in the second frame the color is %v, want %v", got, want)
	}
}

// TestDecodeAnimationRefuses has what is no animation that can be shown.
func TestDecodeAnimationRefuses(t *testing.T) {
	gif := readPicture(t, "anim_mixed.gif")
	for _, c := range []struct {
		name string
		data []byte
		l    Limits
		want string
	}{
		{"another kind", readPicture(t, "animated.webp"), Limits{}, "must be an animated GIF, and this is WebP"},
		{"empty", nil, Limits{}, "must be an animated GIF, and this is empty"},
		{"no end mark: frames may be missing", readPicture(t, "no_trailer.gif"), Limits{}, "frame 2"},
		{"cut in a later frame", gif[:len(gif)-9], Limits{}, "frame 4"},
		{"more pixels than the limit in all frames together", gif, Limits{MaxPixels: 13 * 11 * 3}, "all 4 frames together"},
		{"more pixels than the limit in one frame", gif, Limits{MaxPixels: 13*11 - 1}, "more than the limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			frames, _, err := DecodeAnimation(t.Context(), c.data, c.l)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d frames and the error %v, want one that says %q", len(frames), err, c.want)
			}
		})
	}
}
