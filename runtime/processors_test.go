package loupe_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
)

// TestProcessors: whichever files say how large pictures and frames become, alone or beside others, the grids are those of
// transformers (testdata/processors.py).
func TestProcessors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "processors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Width, Height, Frames int
		Cases                 map[string]struct {
			Files        map[string]json.RawMessage
			Image, Video [3]int
		}
	}
	if err := json.Unmarshal(data, &all); err != nil || len(all.Cases) < 10 {
		t.Fatalf("%d cases, %v", len(all.Cases), err)
	}
	for name, c := range all.Cases {
		t.Run(name, func(t *testing.T) {
			m, err := loupe.Load(broken(t, func(t *testing.T, dir string) {
				for file, text := range c.Files {
					if err := os.WriteFile(filepath.Join(dir, file), text, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}), loupe.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			var frames []picture.Image
			for range all.Frames {
				frames = append(frames, gradient(all.Width, all.Height))
			}
			image, err := m.Processor.Image(frames[0])
			if err != nil {
				t.Fatal(err)
			}
			video, err := m.VideoProcessor.Video(frames)
			if err != nil {
				t.Fatal(err)
			}
			if image.GridTHW != c.Image || video.GridTHW != c.Video {
				t.Errorf("picture %v, video %v; transformers gives %v and %v", image.GridTHW, video.GridTHW, c.Image, c.Video)
			}
		})
	}
	// Options.MaxPixels alone concerns videos too, whose least may be more: then the most holds.
	m, err := loupe.Load(broken(t, func(t *testing.T, dir string) {
		if err := os.WriteFile(filepath.Join(dir, "preprocessor_config.json"), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}), loupe.Options{MaxPixels: 6272})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	video, err := m.VideoProcessor.Video([]picture.Image{gradient(all.Width, all.Height)})
	if err != nil || video.GridTHW != [3]int{1, 4, 6} {
		t.Errorf("%v, %v", video.GridTHW, err)
	}
}
