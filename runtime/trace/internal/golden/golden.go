package golden

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
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
	m, err := loupe.Load(filepath.Join(dir, "model"), loupe.Options{Head: head})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	in, err := fixture.Input(dir, name, filepath.Join(dir, "pictures"))
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

// Asked is the question of training about the first picture of case image in the whole fixture dir, which lies in shared: what the
// tensors of its inside/image.safetensors are of.
func Asked(t testing.TB, m *loupe.Model, shared, dir string) *loupe.Prompt {
	t.Helper()
	var use struct{ Images []string }
	data, err := os.ReadFile(filepath.Join(dir, "cases", "image.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &use); err != nil || len(use.Images) == 0 {
		t.Fatalf("%s: case image has pictures %v, %v", dir, use.Images, err)
	}
	in, err := loupe.Files{Text: "Score this painting.", System: loupe.Rubric, Images: []string{filepath.Join(shared, "reference", "images", use.Images[0])}}.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Prepare(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
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
