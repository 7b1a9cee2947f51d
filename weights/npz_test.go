package weights

import (
	"archive/zip"
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteNpz(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.npz")
	err := WriteNpz(path, []Named{
		FromF32("visual.merger", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}),
		FromI64("ids", []int{2}, []int64{-1, 5}),
		FromF32("d/visual.merger", nil, []float32{7}),
	})
	if err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, dir, "out.npz")
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	want := map[string]string{
		"visual.merger.npy":   "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
		"ids.npy":             "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }",
		"d/visual.merger.npy": "{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		n := int(data[8]) | int(data[9])<<8
		if !bytes.HasPrefix(data, []byte("\x93NUMPY\x01\x00")) || (10+n)%64 != 0 || data[10+n-1] != '\n' {
			t.Errorf("%s: preamble %q", f.Name, data[:10])
		}
		if got := strings.TrimSpace(string(data[10 : 10+n])); got != want[f.Name] {
			t.Errorf("%s: header %s, want %s", f.Name, got, want[f.Name])
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("not written: %v", want)
	}
}

func TestNpzRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.npz")
	for _, name := range []string{"../x", "/x", "a/../b", `a\b`, "c:x"} {
		wantError(t, WriteNpz(path, []Named{f32(name, 1)}), "member", ".safetensors")
	}
	wantError(t, WriteNpz(path, []Named{FromBF16("w", []int{1}, []float32{1})}), `"w"`, "BF16", "NumPy")
	wantError(t, WriteNpy(io.Discard, FromBF16("w", []int{1}, []float32{1})), `"w"`, "BF16")
	if err := WriteNpy(io.Discard, f32("w", 3)); err != nil {
		t.Error(err)
	}
}
