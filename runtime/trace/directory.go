package trace

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// directory writes each tensor as a file of its own into a hidden directory, which Close renames.
type directory struct {
	out  *disk.Dir
	open map[string]*os.File // tensors that are not whole yet
}

func newDirectory(path string) (*directory, error) {
	out, err := disk.CreateDir(path) // a directory that is new, so that no older tensor is taken for a new one
	if err != nil {
		return nil, err
	}
	return &directory{out: out, open: map[string]*os.File{}}, nil
}

// file is the path of a tensor, NAME.npy, in which / of the name is a directory.
func (d *directory) file(name string) (string, error) {
	file := filepath.Join(d.out.Temp, filepath.FromSlash(name)+".npy")
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return "", fmt.Errorf("write trace: %w", err)
	}
	return file, nil
}

// AddNamed implements Writer.
func (d *directory) AddNamed(t weights.Named) error {
	file, err := d.file(t.Name)
	if err != nil {
		return err
	}
	return disk.WriteFile(file, func(w io.Writer) error { return weights.WriteNpy(w, t) })
}

// AddPart implements Writer.
func (d *directory) AddPart(p loupe.Part) (err error) {
	f := d.open[p.Name]
	if f == nil {
		if f, err = d.begin(p); err != nil {
			return err
		}
		d.open[p.Name] = f
	}
	_, err = f.Write(weights.F32Bytes(p.Data))
	if err == nil && p.At+len(p.Data) == elements(p.Shape) {
		delete(d.open, p.Name)
		err = f.Sync()
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

// begin makes the file of a tap and writes what stands before its numbers.
func (d *directory) begin(p loupe.Part) (*os.File, error) {
	name, err := d.file(p.Name)
	if err != nil {
		return nil, err
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("write trace: %w", err)
	}
	if err := weights.WriteNpyHeader(f, weights.F32, p.Shape); err != nil {
		f.Close()
		return nil, fmt.Errorf("write trace: %w", err)
	}
	return f, nil
}

// Close makes the directory appear.
func (d *directory) Close() error {
	for name := range d.open {
		d.Abort()
		return fmt.Errorf("write trace: tensor %q is not whole", name)
	}
	return d.out.Commit()
}

// Abort removes what was written.
func (d *directory) Abort() {
	for _, f := range d.open {
		f.Close()
	}
	d.open = nil
	d.out.Abort()
}
