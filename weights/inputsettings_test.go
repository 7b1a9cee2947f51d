package weights

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/weights/disk"
)

// TestInputSettings: what is written is read; what cannot be meant is refused by its key.
func TestInputSettings(t *testing.T) {
	system, none := "Be strict.", ""
	for _, want := range []InputSettings{
		{Version: 1, MinPixels: 3136, MaxPixels: 6272},
		{Version: 1, MinPixels: 3136, MaxPixels: 3136, System: &system, Question: &none},
	} {
		path := filepath.Join(t.TempDir(), InputSettingsName)
		if err := WriteInputSettings(path, &want); err != nil {
			t.Fatal(err)
		}
		data, err := disk.Read(path, disk.JSONLimit)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseInputSettings(path, data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(&want, got); d != "" {
			t.Error(d)
		}
	}
	for text, want := range map[string]string{
		`{"version": 2, "min_pixels": 1, "max_pixels": 2}`:                 "version is 2",
		`{"version": 1, "max_pixels": 2}`:                                  "min_pixels is missing",
		`{"version": 1, "min_pixels": 3, "max_pixels": 2}`:                 "min_pixels is 3, more than max_pixels 2",
		`{"version": 1, "min_pixels": 0, "max_pixels": 2}`:                 "min_pixels is 0",
		`{"version": 1, "min_pixels": 1, "max_pixels": 2, "system": 3}`:    "system is a number",
		`{"version": 1, "min_pixels": 1, "max_pixels": 2, "max_pixel": 3}`: "max_pixel is not a key",
		`[]`: "an object is needed",
	} {
		if _, err := ParseInputSettings("f.json", []byte(text)); err == nil || !strings.Contains(err.Error(), "f.json: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	if err := WriteInputSettings(filepath.Join(t.TempDir(), "f.json"), &InputSettings{Version: 1}); err == nil {
		t.Error("sizes of 0 are written")
	}
}

// FuzzInputSettings: whatever the bytes, an error names the file, or sizes come out that pictures can have.
func FuzzInputSettings(f *testing.F) {
	f.Add([]byte(`{"version": 1, "min_pixels": 3136, "max_pixels": 6272, "system": "a", "question": null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseInputSettings("f.json", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f.json: ") {
				t.Errorf("error %v", err)
			}
			return
		}
		if s.MinPixels < 1 || s.MaxPixels < s.MinPixels {
			t.Errorf("read %+v", s)
		}
	})
}
