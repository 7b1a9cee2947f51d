package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Write writes a safetensors file atomically (see disk.WriteFile), one tensor
// at a time. The layout is that of the reference implementation: tensors by
// dtype, widest first, then by name; the header padded with spaces to a
// multiple of 8. The same tensors give the same bytes.
func Write(path string, tensors []Named, metadata map[string]string) error {
	return disk.WriteFile(path, func(w io.Writer) error { return Encode(w, tensors, metadata) })
}

// Encode writes the safetensors form of the tensors to w, as Write does.
func Encode(w io.Writer, tensors []Named, metadata map[string]string) error {
	tensors = slices.Clone(tensors)
	slices.SortStableFunc(tensors, byLayout)
	return encodeInOrder(w, tensors, metadata, 8)
}

// byLayout is the order of tensors in a file: by dtype, widest first, then by name.
func byLayout(a, b Named) int {
	if a.DType != b.DType {
		return a.DType.rank() - b.DType.rank()
	}
	return strings.Compare(a.Name, b.Name)
}

// encodeInOrder writes the tensors in the order given, their data from a multiple of align on.
func encodeInOrder(w io.Writer, tensors []Named, metadata map[string]string, align int) error {
	header, sizes, err := encodeHeader(tensors, metadata, align)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for i, t := range tensors {
		if err := t.emit(w, sizes[i]); err != nil {
			return err
		}
	}
	return nil
}

// encodeHeader is the 8-byte length and the padded JSON for tensors in file
// order, and the byte length of each. The data begins at a multiple of align.
func encodeHeader(tensors []Named, metadata map[string]string, align int) ([]byte, []int, error) {
	h := []byte("\x00\x00\x00\x00\x00\x00\x00\x00{")
	if len(metadata) > 0 {
		h = append(h, `"`+metadataName+`":{`...)
		for i, key := range sortedKeys(metadata) {
			if i > 0 {
				h = append(h, ',')
			}
			h = append(append(append(h, jsonString(key)...), ':'), jsonString(metadata[key])...)
		}
		h = append(h, '}')
	}
	sizes := make([]int, len(tensors))
	seen := make(map[string]bool, len(tensors))
	at := 0
	for i, t := range tensors {
		size, err := t.check()
		if err != nil {
			return nil, nil, err
		}
		if seen[t.Name] {
			return nil, nil, fmt.Errorf("tensor %q is given twice", t.Name)
		}
		seen[t.Name] = true
		if len(h) > 9 {
			h = append(h, ',')
		}
		h = append(h, jsonString(t.Name)...)
		h = fmt.Appendf(h, `:{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}`, t.DType, strings.ReplaceAll(strings.Trim(ShapeString(t.Shape), "[]"), " ", ","), at, at+size)
		sizes[i] = size
		if at += size; at < 0 {
			return nil, nil, fmt.Errorf("tensor %q: the file's length overflows", t.Name)
		}
	}
	h = append(h, '}')
	for len(h)%align != 0 {
		h = append(h, ' ')
	}
	if len(h)-8 > maxHeader {
		return nil, nil, fmt.Errorf("%d tensors need a header of %d bytes, over the format's limit of %d; write fewer", len(tensors), len(h)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(h, uint64(len(h)-8))
	return h, sizes, nil
}

// jsonString quotes s without the escapes that are only for web pages.
func jsonString(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string into a buffer cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
