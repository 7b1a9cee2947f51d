package weights

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/loupe-vl/loupe/weights/disk"
)

// maxHeader is the reference implementation's limit on the JSON header, in bytes.
const maxHeader = 100_000_000

// metadataName is the one header entry that is not a tensor.
const metadataName = "__metadata__"

// parseFile checks a whole safetensors file held in data and returns its
// tensors in file order, as views. The rules are those of the reference
// implementation (safetensors' Metadata.validate): tensors sorted by offset
// start at 0, follow one another without a gap or an overlap, and end where the
// file ends. Two things that it lets pass are refused: a name given twice, and
// an unknown key in a tensor's entry, which could mean that the bytes are to be
// read in another way.
func parseFile(file string, data []byte) ([]Tensor, map[string]string, error) {
	fail := func(format string, a ...any) ([]Tensor, map[string]string, error) {
		return nil, nil, fmt.Errorf("%s: "+format+"; download or save it again", append([]any{file}, a...)...)
	}
	if what := disk.NotItself(data); what != "" {
		return nil, nil, fmt.Errorf("%s: %s", file, what)
	}
	if len(data) < 8 {
		return fail("%d bytes are too few for a safetensors file", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader {
		return fail("header length %d exceeds the limit of %d bytes: not a safetensors file", n, maxHeader)
	}
	if n > uint64(len(data)-8) {
		return fail("header length %d reaches past the end of the file (%d bytes): truncated", n, len(data))
	}
	if n == 0 || data[8] != '{' {
		return fail("header at byte 8 does not begin with '{': not a safetensors file")
	}
	header, err := parseBounded(data[8:8+n], maxJSONValues)
	if err != nil {
		return fail("header of %d bytes: %v", n, err)
	}
	meta, err := parseMetadata(header)
	if err != nil {
		return fail("header: %v", err)
	}
	entries := make([]entry, 0, len(header))
	for _, name := range sortedKeys(header) { // in order, so that of several faults the same one is named
		if name == metadataName {
			continue
		}
		e, err := parseEntry(name, header[name])
		if err != nil {
			return fail("tensor %q: %v", name, err)
		}
		entries = append(entries, e)
	}
	sort.Slice(entries, func(i, j int) bool {
		a, b := entries[i], entries[j]
		if a.begin != b.begin {
			return a.begin < b.begin
		}
		if a.end != b.end {
			return a.end < b.end
		}
		return a.name < b.name
	})
	body := data[8+n:]
	at := 0
	tensors := make([]Tensor, len(entries))
	for i, e := range entries {
		switch {
		case e.end > len(body):
			return fail("tensor %q: data_offsets [%d, %d] reach past the %d bytes of data: truncated", e.name, e.begin, e.end, len(body))
		case e.begin < at:
			return fail("tensor %q: data_offsets [%d, %d] overlap tensor %q, which ends at %d", e.name, e.begin, e.end, entries[i-1].name, at)
		case e.begin > at:
			return fail("tensor %q: data_offsets [%d, %d] leave a hole from %d that belongs to no tensor", e.name, e.begin, e.end, at)
		}
		at = e.end
		// The capacity is cut so that an append cannot run into the next tensor.
		tensors[i] = Tensor{Name: e.name, DType: e.dtype, Shape: e.shape, Data: body[e.begin:e.end:e.end], File: file, Stored: e.name}
	}
	if at != len(body) {
		return fail("%d bytes after the last tensor belong to no tensor", len(body)-at)
	}
	return tensors, meta, nil
}

// entry is one tensor's line of a header; offsets count from the end of the header.
type entry struct {
	name       string
	dtype      DType
	shape      []int
	begin, end int
}

func parseEntry(name string, v any) (entry, error) {
	e := entry{name: name}
	obj, ok := v.(object)
	if !ok {
		return e, fmt.Errorf("entry is %s, not an object", kindOf(v))
	}
	for _, key := range sortedKeys(obj) {
		if !slices.Contains([]string{"dtype", "shape", "data_offsets"}, key) {
			return e, fmt.Errorf("entry has the unknown key %q", key)
		}
	}
	dtype, ok := obj["dtype"].(string)
	if !ok {
		return e, fmt.Errorf("dtype is %s, not a string", kindOf(obj["dtype"]))
	}
	e.dtype = DType(dtype)
	var err error
	if e.shape, err = naturals("shape", obj["shape"]); err != nil {
		return e, err
	}
	offsets, err := naturals("data_offsets", obj["data_offsets"])
	if err != nil {
		return e, err
	}
	if len(offsets) != 2 {
		return e, fmt.Errorf("data_offsets holds %d numbers, not 2", len(offsets))
	}
	e.begin, e.end = offsets[0], offsets[1]
	if e.end < e.begin {
		return e, fmt.Errorf("data_offsets [%d, %d] run backwards", e.begin, e.end)
	}
	_, size, err := elements(e.dtype, e.shape)
	if err != nil {
		return e, err
	}
	if size != e.end-e.begin {
		return e, fmt.Errorf("dtype %s and shape %s need %d bytes, data_offsets [%d, %d] hold %d", e.dtype, ShapeString(e.shape), size, e.begin, e.end, e.end-e.begin)
	}
	return e, nil
}

// maxRank is more dimensions than numpy or PyTorch can hold.
const maxRank = 64

func naturals(what string, v any) ([]int, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is %s, not an array", what, kindOf(v))
	}
	if len(list) > maxRank {
		return nil, fmt.Errorf("%s has %d numbers, more than %d", what, len(list), maxRank)
	}
	out := make([]int, len(list))
	for i, x := range list {
		num, ok := x.(json.Number)
		if !ok {
			return nil, fmt.Errorf("%s holds %s, not a number", what, kindOf(x))
		}
		n, err := strconv.Atoi(num.String())
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%s holds %.40s, which is not a whole number from 0 to the largest int", what, num)
		}
		out[i] = n
	}
	return out, nil
}

func parseMetadata(header object) (map[string]string, error) {
	v := header[metadataName]
	if v == nil { // or null, which the safetensors library reads as none
		return nil, nil
	}
	obj, ok := v.(object)
	if !ok {
		return nil, fmt.Errorf("%s is %s, not an object", metadataName, kindOf(v))
	}
	meta := make(map[string]string, len(obj))
	for _, key := range sortedKeys(obj) {
		x := obj[key]
		s, ok := x.(string)
		if !ok {
			return nil, fmt.Errorf("%s: the value of %q is %s, not a string", metadataName, key, kindOf(x))
		}
		meta[key] = s
	}
	return meta, nil
}
