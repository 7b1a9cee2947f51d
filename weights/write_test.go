package weights

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/weights/disk"
)

// samples is one tensor of each kind that the writers' helpers make.
func samples() []Named {
	return []Named{
		FromBytes("flags", Bool, []int{3}, []byte{1, 0, 1}),
		FromF32("z.weight", []int{2, 3}, []float32{1, -2, 3.5, 0, float32(math.Inf(1)), 1e-40}),
		FromF32("a.weight", []int{1}, []float32{-0.25}),
		FromBF16("half.b", []int{3}, []float32{1, -1.0078125, 3.0e38}),
		FromF16("half.f", []int{2, 1}, []float32{0.5, 65504}),
		FromI64("ids", []int{2, 2}, []int64{-1, 1 << 40, 0, 7}),
		FromF32("scalar", nil, []float32{9}),
		FromF32("empty", []int{0, 4}, nil),
		FromF32(`odd "name" <é>`, []int{1}, []float32{2}),
	}
}

func TestWriteReads(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.safetensors")
	if err := Write(path, samples(), map[string]string{"b": "2", "a": "<1>"}); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, dir, "out.safetensors")
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Metadata()["a"] != "<1>" || f.Metadata()["b"] != "2" {
		t.Errorf("metadata %v", f.Metadata())
	}
	var order []string
	for _, x := range f.Tensors() {
		if !x.Aligned() {
			t.Errorf("%v is misaligned", x)
		}
		order = append(order, x.Name)
	}
	// Widest first, then by name; the empty tensor sorts to where its offsets are.
	if order[0] != "ids" || order[len(order)-1] != "flags" {
		t.Errorf("order %q", order)
	}
	z, _ := f.Tensor("z.weight", 2, 3)
	if got := z.F32(); got[2] != 3.5 || !math.IsInf(float64(got[4]), 1) || got[5] != 1e-40 {
		t.Errorf("z.weight %v", got)
	}
	ids, _ := f.Tensor("ids", 2, 2)
	if got := ids.I64(); got[0] != -1 || got[1] != 1<<40 {
		t.Errorf("ids %v", got)
	}
	b, _ := f.Tensor("half.b")
	if got, err := b.Float32s(); err != nil || got[1] != -1.0078125 {
		t.Errorf("half.b %v %v", got, err)
	}
	h, _ := f.Tensor("half.f")
	if got, err := h.Float32s(); err != nil || got[0] != 0.5 || got[1] != 65504 {
		t.Errorf("half.f %v %v", got, err)
	}
	_, err = ids.Float32s()
	wantError(t, err, `"ids"`, "I64", path)
	wantError(t, h.Widen(make([]float32, 3)), `"half.f"`, "2 elements")
}

func TestStreamWriterEqualsWrite(t *testing.T) {
	dir := t.TempDir()
	meta := map[string]string{"k": "v"}
	s, err := NewStreamWriter(filepath.Join(dir, "s"), meta)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range samples() {
		if err := s.AddNamed(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Abort() // harmless after Close
	onlyFiles(t, dir, "s")
	got, err := os.ReadFile(filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, encoded(t, meta, samples()...)) {
		t.Error("StreamWriter and Encode differ")
	}
	wantError(t, s.Add("late", F32, []int{1}, make([]byte, 4)), "already closed")
}

func TestWritersRefuse(t *testing.T) {
	fails := errors.New("the source fails")
	for name, c := range map[string]struct {
		tensors []Named
		want    []string
	}{
		"too short":    {[]Named{FromBytes("w", F32, []int{2}, make([]byte, 4))}, []string{`"w"`, "8 bytes", "4"}},
		"too long":     {[]Named{FromBytes("w", F32, []int{2}, make([]byte, 9))}, []string{`"w"`, "more bytes"}},
		"twice":        {[]Named{f32("w", 1), f32("w", 1)}, []string{`"w"`, "twice"}},
		"reserved":     {[]Named{f32("__metadata__", 1)}, []string{`"__metadata__"`}},
		"no name":      {[]Named{f32("", 1)}, []string{`""`}},
		"not utf-8":    {[]Named{f32("\xff", 1)}, []string{`"\xff"`}},
		"dtype":        {[]Named{FromBytes("w", "Q7", []int{1}, nil)}, []string{`"w"`, "Q7"}},
		"negative":     {[]Named{FromBytes("w", F32, []int{-2}, nil)}, []string{`"w"`, "negative"}},
		"overflow":     {[]Named{FromBytes("w", F32, []int{math.MaxInt, 2}, nil)}, []string{`"w"`, "overflow"}},
		"no source":    {[]Named{{Name: "w", DType: F32}}, []string{`"w"`, "no data"}},
		"source fails": {[]Named{{"w", F32, []int{1}, func(io.Writer) error { return fails }}}, []string{`"w"`, "the source fails"}},
		"rank":         {[]Named{FromBytes("w", F32, make([]int, 65), nil)}, []string{`"w"`, "65"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := put(t, filepath.Join(dir, "out"), []byte("before"))
			s, err := NewStreamWriter(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			z, err := NewNpzWriter(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range c.tensors {
				_ = s.AddNamed(x) // the error stays until Close
				_ = z.AddNamed(x)
			}
			wantError(t, s.Close(), append(c.want, path)...)
			wantError(t, z.Close(), append(c.want, path)...)
			wantError(t, Write(path, c.tensors, nil), append(c.want, path)...)
			wantError(t, WriteNpz(path, c.tensors), append(c.want, path)...)
			if got, _ := os.ReadFile(path); string(got) != "before" {
				t.Errorf("the file that was there became %q", got)
			}
			onlyFiles(t, dir, "out")
		})
	}
}

func TestWriteFileAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write := func(s string, err error) error {
		return disk.WriteFile(path, func(w io.Writer) error {
			if _, err := io.WriteString(w, s); err != nil {
				return err
			}
			return err
		})
	}
	if err := write("one", nil); err != nil {
		t.Fatal(err)
	}
	wantError(t, write("two", errors.New("halfway")), path, "halfway")
	if got, _ := os.ReadFile(path); string(got) != "one" {
		t.Errorf("holds %q", got)
	}
	func() { // a panic leaves nothing behind either
		defer func() { _ = recover() }()
		_ = disk.WriteFile(path, func(io.Writer) error { panic("x") })
	}()
	onlyFiles(t, dir, "f")
	nothing := func(io.Writer) error { return nil }
	wantError(t, disk.WriteFile(dir, nothing), dir, "directory")
	wantError(t, disk.WriteFile(filepath.Join(dir, "no", "f"), nothing), filepath.Join(dir, "no", "f"))
	if runtime.GOOS != "windows" {
		wantError(t, disk.WriteFile(os.DevNull, nothing), os.DevNull, "regular")
	}
	_, err := NewStreamWriter(dir, nil)
	wantError(t, err, dir, "directory")
	_, err = NewNpzWriter(dir)
	wantError(t, err, dir, "directory")
}

// Replacing a file under an open map must leave the map as it was.
func TestWriteOverOpenMap(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not rename over a mapped file")
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := Write(path, []Named{FromF32("w", []int{1}, []float32{1})}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Write(path, nil, nil); err != nil {
		t.Fatal(err)
	}
	w, _ := f.Tensor("w")
	if w.F32()[0] != 1 {
		t.Error("the map changed under a reader")
	}
}

func TestEncodeHeaderLayout(t *testing.T) {
	got := string(encoded(t, map[string]string{"format": "pt"}, f32("b", 1), FromI64("c", []int{1, 1}, []int64{1}), f32("a", 1)))
	want := `{"__metadata__":{"format":"pt"},"c":{"dtype":"I64","shape":[1,1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}`
	if n := int(got[0]) + int(got[1])<<8; n%8 != 0 || strings.TrimRight(got[8:8+n], " ") != want {
		t.Errorf("header of %d bytes: %s", n, got[8:8+n])
	}
}
