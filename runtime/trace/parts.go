package trace

import (
	"fmt"
	"io"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// safetensors writes each piece at its place in the file: the place of a tensor is fixed once its shape is known.
type safetensors struct{ *weights.StreamWriter }

// AddPart implements Writer.
func (s safetensors) AddPart(p loupe.Part) error {
	return s.StreamWriter.AddPart(p.Name, weights.F32, p.Shape, 4*p.At, weights.F32Bytes(p.Data))
}

// elements is the number of elements of a tensor.
func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// npz writes one tensor after the other, as a zip file must. A tensor that comes in pieces is collected in a file of its
// own.
type npz struct {
	*weights.NpzWriter
	beside  string // the path of the zip file
	waiting map[string]*disk.File
}

// AddPart implements Writer.
func (z *npz) AddPart(p loupe.Part) error {
	whole := elements(p.Shape)
	if p.At == 0 && len(p.Data) == whole {
		return z.AddNamed(weights.FromF32(p.Name, p.Shape, p.Data))
	}
	f := z.waiting[p.Name]
	if f == nil {
		var err error
		if f, err = disk.Create(z.beside); err != nil { // it never gets that name
			return err
		}
		if z.waiting == nil {
			z.waiting = map[string]*disk.File{}
		}
		z.waiting[p.Name] = f
	}
	if _, err := f.Temp.WriteAt(weights.F32Bytes(p.Data), 4*int64(p.At)); err != nil {
		return fmt.Errorf("write %s: %w", z.beside, err)
	}
	if p.At+len(p.Data) < whole {
		return nil
	}
	defer z.drop(p.Name)
	return z.AddNamed(weights.Named{Name: p.Name, DType: weights.F32, Shape: p.Shape, Write: func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(f.Temp, 0, 4*int64(whole)))
		return err
	}})
}

// drop removes the file in which a tensor waits.
func (z *npz) drop(name string) {
	f := z.waiting[name]
	delete(z.waiting, name)
	f.Abort()
}

// Close implements Writer.
func (z *npz) Close() error {
	for name := range z.waiting {
		z.Abort()
		return fmt.Errorf("write %s: tensor %q is not whole", z.beside, name)
	}
	return z.NpzWriter.Close()
}

// Abort implements Writer.
func (z *npz) Abort() {
	for name := range z.waiting {
		z.drop(name)
	}
	z.NpzWriter.Abort()
}
