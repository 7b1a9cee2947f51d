package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

const two = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}`

func TestParseFile(t *testing.T) {
	data := raw(`{"__metadata__":{"format":"pt"},`+two[1:], make([]byte, 16)...)
	f, err := NewFile("x.safetensors", data)
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata()["format"] != "pt" || strings.Join(f.Names(), " ") != "a b" {
		t.Errorf("metadata %v, names %v", f.Metadata(), f.Names())
	}
	b, err := f.Tensor("b")
	if err != nil || b.Len() != 1 || len(b.I64()) != 1 || b.F32() != nil || b.U16() != nil {
		t.Errorf("scalar: %v, %v", b, err)
	}
	a, _ := f.Tensor("a", 2)
	if &a.Data[0] != &data[len(data)-16] {
		t.Error("tensor data was copied")
	}
	if cap(a.Data) != 8 {
		t.Errorf("capacity %d reaches into the next tensor", cap(a.Data))
	}
	_, err = f.Tensor("c")
	wantError(t, err, `"c"`, "x.safetensors")
	_, err = f.Tensor("a", 3)
	wantError(t, err, `"a"`, "x.safetensors", "[2]", "[3]")
}

func TestParseFileEmpty(t *testing.T) {
	for _, header := range []string{"{}", "{}      ", `{"z":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]}}`} {
		if _, err := NewFile("x", raw(header)); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestParseFileRefuses(t *testing.T) {
	zeros := func(n int) []byte { return make([]byte, n) }
	one := func(entry string) []byte { return raw(`{"w":`+entry+`}`, zeros(8)...) }
	huge := append(binary.LittleEndian.AppendUint64(nil, 1<<62), "{}"...)
	for name, c := range map[string]struct {
		data []byte
		want []string
	}{
		"empty":             {nil, []string{"0 bytes", "too few"}},
		"seven bytes":       {zeros(7), []string{"7 bytes"}},
		"header huge":       {huge, []string{"4611686018427387904", "100000000"}},
		"header past end":   {raw(two)[:40], []string{"past the end", "truncated"}},
		"header empty":      {raw(""), []string{"'{'"}},
		"header not json":   {raw("{not json"), []string{"header", "at byte"}},
		"header ends early": {raw(`{"w":`), []string{"ends early"}},
		"header array":      {raw("[]"), []string{"'{'"}},
		"header deep":       {raw(`{"w":` + strings.Repeat("[", 100000)), []string{"nested deeper"}},
		"header deep array": {raw(strings.Repeat("[", 100000)), []string{"'{'"}},
		"not utf-8":         {raw("{\"\xff\":1}"), []string{"UTF-8"}},
		"trailing header":   {raw("{} {}"), []string{"after the JSON object"}},
		"duplicate name":    {raw(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 0, 0), []string{`"w"`, "twice"}},
		"entry not object":  {one(`7`), []string{`"w"`, "a number"}},
		"entry null":        {one(`null`), []string{`"w"`, "null"}},
		"unknown key":       {one(`{"dtype":"U8","shape":[8],"data_offsets":[0,8],"stride":1}`), []string{`"w"`, `"stride"`}},
		"dtype unknown":     {one(`{"dtype":"Q7","shape":[8],"data_offsets":[0,8]}`), []string{`"w"`, `"Q7"`}},
		"dtype missing":     {one(`{"shape":[8],"data_offsets":[0,8]}`), []string{`"w"`, "dtype"}},
		"shape missing":     {one(`{"dtype":"U8","data_offsets":[0,8]}`), []string{`"w"`, "shape"}},
		"shape negative":    {one(`{"dtype":"U8","shape":[-8],"data_offsets":[0,8]}`), []string{`"w"`, "-8"}},
		"shape fraction":    {one(`{"dtype":"U8","shape":[8.5],"data_offsets":[0,8]}`), []string{`"w"`, "8.5"}},
		"shape string":      {one(`{"dtype":"U8","shape":["8"],"data_offsets":[0,8]}`), []string{`"w"`, "a string"}},
		"shape beyond int":  {one(`{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,8]}`), []string{`"w"`, "99999999999999999999"}},
		"shape overflow":    {one(`{"dtype":"U8","shape":[8589934592,8589934592],"data_offsets":[0,8]}`), []string{`"w"`, "overflow"}},
		"bytes overflow":    {one(`{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,8]}`), []string{`"w"`, "overflow"}},
		"overflow to zero":  {one(`{"dtype":"U8","shape":[4294967296,4294967296,4294967296,0],"data_offsets":[0,0]}`), []string{`"w"`, "overflow"}},
		"rank":              {one(`{"dtype":"U8","shape":[` + strings.Repeat("1,", 64) + `1],"data_offsets":[0,1]}`), []string{`"w"`, "more than 64"}},
		"offsets one":       {one(`{"dtype":"U8","shape":[8],"data_offsets":[0]}`), []string{`"w"`, "not 2"}},
		"offsets backwards": {one(`{"dtype":"U8","shape":[8],"data_offsets":[8,0]}`), []string{`"w"`, "backwards"}},
		"offsets past end":  {one(`{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}`), []string{`"w"`, "1099511627776", "truncated"}},
		"size mismatch":     {one(`{"dtype":"F32","shape":[8],"data_offsets":[0,8]}`), []string{`"w"`, "32 bytes", "8"}},
		"overlap":           {raw(`{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}}`, zeros(12)...), []string{`"b"`, `"a"`, "overlap"}},
		"same place":        {raw(`{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}`, zeros(8)...), []string{`"b"`, `"a"`, "overlap"}},
		"hole":              {raw(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}`, zeros(12)...), []string{`"b"`, "hole"}},
		"hole at start":     {one(`{"dtype":"U8","shape":[4],"data_offsets":[4,8]}`), []string{`"w"`, "hole"}},
		"trailing bytes":    {one(`{"dtype":"U8","shape":[7],"data_offsets":[0,7]}`), []string{"1 bytes after the last tensor"}},
		"data cut":          {raw(two, zeros(15)...), []string{`"b"`, "truncated"}},
		"metadata number":   {raw(`{"__metadata__":{"n":1}}`), []string{"__metadata__", `"n"`}},
		"metadata array":    {raw(`{"__metadata__":[]}`), []string{"__metadata__", "an array"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewFile("bad.safetensors", c.data)
			wantError(t, err, append(c.want, "bad.safetensors")...)
			// The same through a map: no other way in may be laxer.
			path := put(t, filepath.Join(t.TempDir(), "bad.safetensors"), c.data)
			_, err = Open(path)
			wantError(t, err, append(c.want, path)...)
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	wantError(t, err, dir, "directory")
	_, err = Open(filepath.Join(dir, "none.safetensors"))
	wantError(t, err, "none.safetensors")
}

func TestMisalignedViews(t *testing.T) {
	for pad := range 4 {
		header := `{"h":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}` + strings.Repeat(" ", pad)
		f, err := NewFile("x", raw(header, 0x80, 0x3f, 0x00, 0xc0, 0, 0, 0x80, 0x3f, 0, 0, 0x00, 0xc0))
		if err != nil {
			t.Fatal(err)
		}
		w, _ := f.Tensor("w")
		h, _ := f.Tensor("h")
		if got := w.F32(); got[0] != 1 || got[1] != -2 {
			t.Errorf("pad %d: F32 %v", pad, got)
		}
		if got := h.U16(); got[0] != 0x3f80 || got[1] != 0xc000 {
			t.Errorf("pad %d: U16 %x", pad, got)
		}
	}
}

func TestCloseTwice(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "x.safetensors"), raw(two, make([]byte, 16)...))
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := f.Tensor("a"); err == nil {
		t.Error("a closed file still gives tensors")
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(raw(two, make([]byte, 16)...))
	f.Add(raw(`{"__metadata__":{"k":"v"}}`))
	f.Add(raw(`{"w":{"dtype":"Q7","shape":[8589934592,8589934592],"data_offsets":[8,0]}}`))
	f.Add(raw(strings.Repeat(`{"a":`, 50)))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := NewFile("fuzz", data)
		if err != nil {
			return
		}
		var again []Named
		for _, x := range file.Tensors() {
			if len(x.Data) != x.Len()*x.DType.Size() {
				t.Fatalf("%v has %d bytes", x, len(x.Data))
			}
			_, _ = x.Float32s()
			_ = CheckFinite(x)
			if _, err := Statistics(x); err != nil {
				t.Fatal(err)
			}
			if x.Name != "" {
				again = append(again, FromTensor(x.Name, x))
			}
		}
		// What was read can be written, and reads back the same.
		var b bytes.Buffer
		if err := Encode(&b, again, file.Metadata()); err != nil {
			t.Fatal(err)
		}
		file2, err := NewFile("again", b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range again {
			p, _ := file.Tensor(x.Name)
			q, err := file2.Tensor(x.Name, p.Shape...)
			if err != nil || !bytes.Equal(p.Data, q.Data) {
				t.Fatalf("%v: %v", p, err)
			}
		}
	})
}

// TestSubByteTypes: a file with any type of safetensors opens, and a shape that is no whole number of bytes is refused.
func TestSubByteTypes(t *testing.T) {
	file := func(dtype, shape string, n int) []byte {
		h := fmt.Sprintf(`{"a":{"dtype":%q,"shape":%s,"data_offsets":[0,%d]}}`, dtype, shape, n)
		return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...), make([]byte, n)...)
	}
	for dtype, n := range map[string]int{"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E8M0": 8, "C64": 64, "F8_E4M3": 8, "U64": 64} {
		f, err := NewFile("f", file(dtype, "[2,4]", n))
		if err != nil {
			t.Errorf("%s: %v", dtype, err)
			continue
		}
		if x := f.Tensors()[0]; x.Len() != 8 || len(x.Data) != n {
			t.Errorf("%s: %v", dtype, x)
		}
		if s, err := Statistics(f.Tensors()[0]); (err == nil) != f.Tensors()[0].DType.HasStatistics() || err == nil && s.Count != 8 {
			t.Errorf("%s: %v %v", dtype, s, err)
		}
	}
	_, err := NewFile("f", file("F4", "[3]", 2))
	wantError(t, err, "F4", "no whole number of bytes")
	_, err = NewFile("f", file("F4", "[8]", 8))
	wantError(t, err, "need 4 bytes")
}
