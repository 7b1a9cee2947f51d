package golden

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// Case is one golden case, ready to run.
type Case struct {
	Model  *loupe.Model
	Input  loupe.Input
	Prompt *loupe.Prompt
}

// Open loads case name of the golden directory dir, with the score head in the directory head; "" for none.
func Open(t testing.TB, dir, name, head string) *Case {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "cases", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := loupe.Load(filepath.Join(dir, "model"), loupe.Options{Head: head})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	in, err := input(dir, data)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Prepare(in)
	if err != nil {
		t.Fatal(err)
	}
	return &Case{m, in, p}
}

// Shared is LOUPE_SHARED, or the directory shared beside the module; where there is none the test is skipped.
func Shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("LOUPE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "design.md")); err != nil {
		t.Skipf("%s is not here: only the committed fixture is compared; name the folder of all fixtures with LOUPE_SHARED", dir)
	}
	return dir
}

func input(dir string, data []byte) (in loupe.Input, err error) {
	var c struct {
		Images []string
		Video  int `json:"video_frames"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return in, err
	}
	if in.Messages, err = tokenizer.ParseMessages(data); err != nil {
		return in, err
	}
	for _, name := range c.Images {
		img, err := picture.LoadFile(context.Background(), filepath.Join(dir, "pictures", name), picture.Limits{})
		if err != nil {
			return in, err
		}
		in.Images = append(in.Images, img)
	}
	if c.Video > 0 {
		frames, err := readFrames(filepath.Join(dir, "cases", "video_frames.npy"))
		if err != nil {
			return in, err
		}
		in.Videos = [][]picture.Image{frames[:c.Video]}
	}
	return in, nil
}

// readFrames reads an npy file of uint8 (frames, height, width, 3).
func readFrames(path string) ([]picture.Image, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	size := int(binary.LittleEndian.Uint16(data[8:]))
	header, body := string(data[10:10+size]), data[10+size:]
	var n, h, w int
	if _, err := fmt.Sscanf(header[strings.Index(header, "(")+1:], "%d, %d, %d, 3)", &n, &h, &w); err != nil {
		return nil, fmt.Errorf("%s: unexpected header %q", path, header)
	}
	var out []picture.Image
	for i := range n {
		out = append(out, picture.Image{Width: w, Height: h, Pix: bytes.Clone(body[i*h*w*3 : (i+1)*h*w*3])})
	}
	return out, nil
}

// Reference is a fixture's tensors by name.
type Reference map[string]weights.Tensor

// ReadReference opens a safetensors file.
func ReadReference(t testing.TB, path string) Reference {
	t.Helper()
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	out := Reference{}
	for _, x := range f.Tensors() {
		out[x.Name] = x
	}
	return out
}

// Float64s are the numbers of a tensor of float64.
func (r Reference) Float64s(t testing.TB, name string) []float64 {
	t.Helper()
	x, ok := r[name]
	if !ok || x.DType != "F64" {
		t.Fatalf("the fixture has no float64 tensor %q", name)
	}
	out := make([]float64, len(x.Data)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(x.Data[8*i:]))
	}
	return out
}

// Int is the one number of a tensor of int64.
func (r Reference) Int(t testing.TB, name string) int {
	t.Helper()
	x, ok := r[name]
	if !ok {
		t.Fatalf("the fixture has no tensor %q", name)
	}
	return int(x.I64()[0])
}

// Compare fails unless got is within tolerance of want, as a part of want's largest number.
func Compare(t testing.TB, name string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d numbers, want %d", name, len(got), len(want))
		return
	}
	worst, largest := 0.0, 0.0
	for i := range want {
		if d := math.Abs(got[i] - want[i]); !(d <= worst) {
			worst = d
		}
		largest = max(largest, math.Abs(want[i]))
	}
	if !(worst <= tolerance*largest) {
		t.Errorf("%s is off by %.2g of its largest value %.3g, more than %.0e", name, worst/largest, largest, tolerance)
	}
}
