package weights

import (
	"fmt"
	"math"
	"sort"

	"github.com/loupe-vl/loupe/weights/disk"
)

// File is an open safetensors file. Its tensors are views into its memory map;
// none may be used after Close. While it is open the file must not be shortened
// in place (the system would end the program on the next read); replacing it by
// rename, as this package's writers do, is safe.
type File struct {
	path    string
	meta    map[string]string
	tensors []Tensor
	index   map[string]int
	unmap   func() error
	mapped  bool // and not in memory of the program's own
}

// Open maps the safetensors file at path and checks its header whole. The data
// itself is not read. Close it when no tensor of it is in use.
func Open(path string) (*File, error) {
	f, size, err := disk.Open(path, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	defer f.Close() // a map outlives its descriptor
	if size < 8 {
		return nil, fmt.Errorf("%s: %d bytes are too few for a safetensors file; download or save it again", path, size)
	}
	if size > math.MaxInt {
		return nil, fmt.Errorf("%s: %d bytes exceed this machine's address space; use a 64-bit build", path, size)
	}
	data, unmap, err := mapFile(f, int(size))
	if err != nil {
		return nil, fmt.Errorf("%s: memory map: %w", path, err)
	}
	file, err := newFile(path, data, unmap)
	if err != nil {
		_ = unmap() // the header's error is the one to report
		return nil, err
	}
	file.mapped = true
	return file, nil
}

// NewFile reads a safetensors file that is already in memory; name stands for
// it in errors. The tensors are views into data, which must not change.
func NewFile(name string, data []byte) (*File, error) {
	return newFile(name, data, func() error { return nil })
}

func newFile(path string, data []byte, unmap func() error) (*File, error) {
	tensors, meta, err := parseFile(path, data)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, meta: meta, tensors: tensors, index: make(map[string]int, len(tensors)), unmap: unmap}
	for i, t := range tensors {
		f.index[t.Name] = i
	}
	return f, nil
}

// Path is the name the file was opened by.
func (f *File) Path() string { return f.path }

// Metadata is the header's __metadata__ map, nil where there is none. The
// caller must not change it.
func (f *File) Metadata() map[string]string { return f.meta }

// Tensors lists the tensors in file order, as views.
func (f *File) Tensors() []Tensor { return f.tensors }

// Names lists the tensors' names in alphabetical order.
func (f *File) Names() []string {
	names := make([]string, len(f.tensors))
	for i, t := range f.tensors {
		names[i] = t.Name
	}
	sort.Strings(names)
	return names
}

// Tensor returns the tensor of that name in the file. Where a shape is given it
// must match; -1 matches any size. Errors name the tensor and the file.
func (f *File) Tensor(name string, shape ...int) (Tensor, error) {
	i, ok := f.index[name]
	if !ok {
		return Tensor{}, fmt.Errorf("%s: no tensor %q among its %d", f.path, name, len(f.tensors))
	}
	return f.tensors[i], matchShape(f.tensors[i], shape)
}

// matchShape checks a tensor against a wanted shape: none at all asks nothing.
func matchShape(t Tensor, want []int) error {
	same := len(want) == len(t.Shape)
	for i := 0; same && i < len(want); i++ {
		same = want[i] == -1 || want[i] == t.Shape[i]
	}
	if same || len(want) == 0 {
		return nil
	}
	return fmt.Errorf("%s: tensor %q has shape %s, but %s is needed; do the weights belong to this config.json?", t.File, t.Stored, ShapeString(t.Shape), ShapeString(want))
}

// Close unmaps the file. Every view into it is invalid from then on. Closing
// twice is harmless.
func (f *File) Close() error {
	unmap := f.unmap
	f.unmap, f.tensors, f.index = nil, nil, nil
	if unmap == nil {
		return nil
	}
	if err := unmap(); err != nil {
		return fmt.Errorf("%s: unmap: %w", f.path, err)
	}
	return nil
}
