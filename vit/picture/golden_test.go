package picture

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sharedDir is LOUPE_SHARED, or the directory shared beside the module.
func sharedDir(t *testing.T) string {
	dir := os.Getenv("LOUPE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "design.md")); err != nil {
		t.Skip("the pictures of ../shared/reference are not here; testdata pins one of each kind")
	}
	return dir
}

func goldenDirs(t *testing.T) []string {
	if dirs := os.Getenv("LOUPE_GOLDEN"); dirs != "" {
		return strings.Split(dirs, ",")
	}
	shared := sharedDir(t)
	return []string{filepath.Join(shared, "golden", "a"), filepath.Join(shared, "golden", "b")}
}

func imagesDir(t *testing.T) string {
	if dir := os.Getenv("LOUPE_IMAGES"); dir != "" {
		return dir
	}
	return filepath.Join(sharedDir(t), "reference", "images")
}

func sha(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func shaFloats(x []float32) string {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		u := math.Float32bits(v)
		b = append(b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return sha(b)
}

// pixelRow is what pixels.json says of a picture.
type pixelRow struct {
	Error     string
	Size      [2]int
	RGB       string `json:"rgb_sha256"`
	resized   map[string]json.RawMessage
	MaxPixels int
}

type resizedRow struct {
	Error  string
	RGB    string `json:"resized_sha256"`
	Pixels string `json:"pixel_values_sha256"`
}

// TestGoldenPixels compares every picture of the reference with what the reference makes of it: decoded, resized and as
// patches, under each limit, byte for byte.
func TestGoldenPixels(t *testing.T) {
	images := imagesDir(t)
	for _, dir := range goldenDirs(t) {
		limits := map[string]int{"1003520": 1003520, "official": 12845056, "tiny": tinyLimit(t, dir)}
		for name, raw := range readJSON[map[string]json.RawMessage](t, filepath.Join(dir, "pixels.json")) {
			t.Run(filepath.Base(dir)+"/"+name, func(t *testing.T) {
				var row pixelRow
				unmarshal(t, raw, &row)
				unmarshal(t, raw, &row.resized)
				img, err := LoadFile(t.Context(), filepath.Join(images, name), Limits{})
				if row.Error != "" {
					if err == nil {
						t.Errorf("accepted; the reference says %s", row.Error)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if img.Width != row.Size[0] || img.Height != row.Size[1] || sha(img.Pix) != row.RGB {
					t.Fatalf("%d x %d, want %v; decoded pixels are equal: %v", img.Width, img.Height, row.Size, sha(img.Pix) == row.RGB)
				}
				for label, most := range limits {
					var want resizedRow
					unmarshal(t, row.resized[label], &want)
					checkResized(t, img, label, most, want)
				}
			})
		}
	}
}

func checkResized(t *testing.T, img Image, label string, most int, want resizedRow) {
	t.Helper()
	p := Processor{MinPixels: 3136, MaxPixels: most, PatchSize: 14, TemporalPatchSize: 2, MergeSize: 2,
		Mean: [3]float64{0.48145466, 0.4578275, 0.40821073}, Std: [3]float64{0.26862954, 0.26130258, 0.27577711}}
	got, err := p.Image(img)
	if want.Error != "" {
		if err == nil {
			t.Errorf("%s: accepted; the reference says %s", label, want.Error)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", label, err)
		return
	}
	if s := shaFloats(got.Data); s != want.Pixels {
		t.Errorf("%s: pixel_values differ (grid %v)", label, got.GridTHW)
	}
}

func tinyLimit(t *testing.T, dir string) int {
	return readJSON[struct {
		MaxPixels int `json:"max_pixels"`
	}](t, filepath.Join(dir, "model", "preprocessor_config.json")).MaxPixels
}

func readJSON[T any](t testing.TB, path string) (v T) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	unmarshal(t, data, &v)
	return v
}

func unmarshal(t testing.TB, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}
