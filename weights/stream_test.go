package weights

import (
	"bytes"
	"path/filepath"
	"testing"
)

// TestStreamWriterParts writes two tensors by turns, with room for the header, with too little and with none: each file
// holds the same tensors.
func TestStreamWriterParts(t *testing.T) {
	a, b := []float32{1, 2, 3, 4, 5, 6}, []float32{7, 8}
	for _, room := range []int{0, 20, 1000} {
		dir := t.TempDir()
		path := filepath.Join(dir, "s.safetensors")
		s, err := NewStreamWriter(path, map[string]string{"k": "v"})
		if err != nil {
			t.Fatal(err)
		}
		s.Reserve(room)
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		ok(s.AddNamed(FromI64("first", []int{1}, []int64{9})))
		ok(s.AddPart("a", F32, []int{2, 3}, 0, F32Bytes(a[:2])))
		ok(s.AddPart("b", F32, []int{2}, 0, F32Bytes(b[:1])))
		ok(s.AddPart("a", F32, []int{2, 3}, 8, F32Bytes(a[2:])))
		ok(s.AddPart("b", F32, []int{2}, 4, F32Bytes(b[1:])))
		ok(s.AddPart("none", F32, []int{0, 3}, 0, nil))
		ok(s.AddNamed(FromF32("last", []int{1}, []float32{10})))
		ok(s.Close())
		onlyFiles(t, dir, "s.safetensors")
		f, err := Open(path)
		ok(err)
		defer f.Close()
		for name, want := range map[string][]float32{"a": a, "b": b, "none": {}, "last": {10}} {
			got, err := f.Tensor(name)
			ok(err)
			if !bytes.Equal(got.Data, F32Bytes(want)) {
				t.Errorf("room %d: %s holds %v, want %v", room, name, got.F32(), want)
			}
		}
		if first, err := f.Tensor("first"); err != nil || first.I64()[0] != 9 {
			t.Errorf("room %d: first is %v, %v", room, first, err)
		}
	}
}

// TestStreamWriterPartsErrors: a part out of order is refused, and so is a file with a tensor that is not whole.
func TestStreamWriterPartsErrors(t *testing.T) {
	for want, parts := range map[string][][2]int{ // offset and length of parts of 16 bytes
		"4 bytes at 8, but 4 of 16 are written":  {{0, 4}, {8, 4}},
		"12 bytes at 8, but 8 of 16 are written": {{0, 8}, {8, 12}},
		"4 bytes at 0, but 16 of 16 are written": {{0, 16}, {0, 4}},
		`tensor "x" has 12 of its 16 bytes`:      {{0, 8}, {8, 4}},
		"20 bytes at 0, but 0 of 16 are written": {{0, 20}},
	} {
		dir := t.TempDir()
		s, err := NewStreamWriter(filepath.Join(dir, "s.safetensors"), nil)
		if err != nil {
			t.Fatal(err)
		}
		s.Reserve(500)
		for _, p := range parts {
			if err = s.AddPart("x", F32, []int{4}, p[0], make([]byte, p[1])); err != nil {
				break
			}
		}
		closed := s.Close()
		if err == nil {
			err = closed
		}
		wantError(t, err, want)
		wantError(t, closed, want)
		onlyFiles(t, dir)
	}
}
