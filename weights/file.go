package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"sort"
	"time"

	"github.com/loupe-vl/loupe/weights/disk"
)

// File is an open safetensors file. Its tensors are views into its memory map;
// none may be used after Close. Should the file be shortened in place while it
// is open, reading faults: see CatchFaults. Should other weights be written into
// it, they are what the views show: see Unchanged. Replacing it by rename, as
// this package's writers do, leaves the views as they are.
type File struct {
	path    string
	meta    map[string]string
	tensors []Tensor
	index   map[string]int
	unmap   func() error
	data    []byte      // the map; nil where the file is in memory of the program's own
	info    fs.FileInfo // of the file when it was mapped
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
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data, unmap, err := mapFile(f, int(size))
	if err != nil {
		return nil, fmt.Errorf("%s: memory map: %w", path, err)
	}
	file := &File{path: path, unmap: unmap, data: data, info: info}
	file.register()
	if err := file.parse(data); err != nil {
		_ = file.Close() // the header's error is the one to report
		return nil, err
	}
	return file, nil
}

// NewFile reads a safetensors file that is already in memory; name stands for
// it in errors. The tensors are views into data, which must not change.
func NewFile(name string, data []byte) (*File, error) {
	f := &File{path: name}
	if err := f.parse(data); err != nil {
		return nil, err
	}
	return f, nil
}

// parse checks the header and finds the tensors.
func (f *File) parse(data []byte) (err error) {
	defer CatchFaults(&err)()
	if f.tensors, f.meta, err = parseFile(f.path, data); err != nil {
		return err
	}
	f.index = make(map[string]int, len(f.tensors))
	for i, t := range f.tensors {
		f.index[t.Name] = i
	}
	return nil
}

// Unchanged is an error if the file is no longer the one that was mapped: it
// has another size or time, or another file has its name. One that was removed
// is still there for its map. Call it before and after the data are used.
func (f *File) Unchanged() error {
	if f.data == nil {
		return nil
	}
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%w; the weights in it are in use: put the file back and start again", err)
	case !os.SameFile(info, f.info):
		return fmt.Errorf("%s was replaced by another file since it was loaded; start again to use the new one", f.path)
	case info.Size() != f.info.Size():
		return fmt.Errorf("%s has %d bytes and had %d when it was loaded; start again once it is whole", f.path, info.Size(), f.info.Size())
	case !info.ModTime().Equal(f.info.ModTime()):
		return fmt.Errorf("%s was written to since it was loaded, at %s; start again to use what it holds now", f.path, info.ModTime().Format(time.DateTime))
	}
	return nil
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
	if t.Len() == 0 {
		return fmt.Errorf("%s: tensor %q is empty, of shape %s: training spread over several processes (ZeRO-3) saved it without gathering its parts; save the model again after gathering", t.File, t.Stored, ShapeString(t.Shape))
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
	f.unregister()
	if err := unmap(); err != nil {
		return fmt.Errorf("%s: unmap: %w", f.path, err)
	}
	return nil
}
