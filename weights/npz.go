package weights

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// NpzWriter writes tensors as NumPy's .npz: a zip of .npy files, stored without
// compression as numpy.savez does, one after the other. It appears at its path
// only when Close succeeds. Not for concurrent use.
type NpzWriter struct {
	file *disk.File
	zip  *zip.Writer
	seen map[string]bool
	err  error
}

// NewNpzWriter begins an .npz file at path. On any way out call Close or Abort.
func NewNpzWriter(path string) (*NpzWriter, error) {
	f, err := disk.Create(path)
	if err != nil {
		return nil, err
	}
	return &NpzWriter{file: f, zip: zip.NewWriter(f), seen: map[string]bool{}}, nil
}

// Add appends one tensor from its bytes. After an error every later call
// returns it, and Close writes nothing.
func (z *NpzWriter) Add(name string, d DType, shape []int, data []byte) error {
	return z.AddNamed(FromBytes(name, d, shape, data))
}

// AddNamed is Add for a tensor from FromF32, FromI64 and the like.
func (z *NpzWriter) AddNamed(t Named) error {
	if z.err == nil {
		if z.err = z.add(t); z.err != nil {
			z.err = fmt.Errorf("write %s: %w", z.file.Path(), z.err)
		}
	}
	return z.err
}

func (z *NpzWriter) add(t Named) error {
	size, err := t.check()
	if err != nil {
		return err
	}
	// A member must not be able to lead out of the directory it is unpacked in.
	if !fs.ValidPath(t.Name) || strings.ContainsAny(t.Name, "\\:\x00") {
		return fmt.Errorf("tensor name %q cannot be a member of an .npz file; write .safetensors", t.Name)
	}
	if z.seen[t.Name] {
		return fmt.Errorf("tensor %q is given twice", t.Name)
	}
	z.seen[t.Name] = true
	header, err := npyHeader(t.DType, t.Shape)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	// No time stamp: the same tensors give the same bytes.
	w, err := z.zip.CreateHeader(&zip.FileHeader{Name: t.Name + ".npy", Method: zip.Store})
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	return t.emit(w, size)
}

// Close finishes the file and puts it in its place. After an error in Add it
// only cleans up and returns that error.
func (z *NpzWriter) Close() error {
	if z.err == nil {
		z.err = z.zip.Close()
		if z.err != nil {
			z.err = fmt.Errorf("write %s: %w", z.file.Path(), z.err)
		}
	}
	if z.err != nil {
		z.Abort()
		return z.err
	}
	return z.file.Commit()
}

// Abort gives the file up; path stays as it was. After Close it does nothing.
func (z *NpzWriter) Abort() { z.file.Abort() }

// WriteNpy writes one tensor in NumPy's .npy form (version 1.0) to w.
func WriteNpy(w io.Writer, t Named) error {
	size, err := t.check()
	if err != nil {
		return err
	}
	if err := WriteNpyHeader(w, t.DType, t.Shape); err != nil {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return t.emit(w, size)
}

// WriteNpyHeader writes what stands before the bytes of an .npy file.
func WriteNpyHeader(w io.Writer, d DType, shape []int) error {
	header, err := npyHeader(d, shape)
	if err != nil {
		return err
	}
	_, err = w.Write(header)
	return err
}

// npyHeader is the .npy preamble: magic, version, header length, and a Python
// dict padded so that the data begins at a multiple of 64.
func npyHeader(d DType, shape []int) ([]byte, error) {
	descr := map[DType]string{F64: "<f8", F32: "<f4", F16: "<f2", I64: "<i8", I32: "<i4", I16: "<i2", I8: "|i1", U64: "<u8", U32: "<u4", U16: "<u2", U8: "|u1", Bool: "|b1"}[d]
	if descr == "" {
		return nil, fmt.Errorf("NumPy has no dtype for %s; write .safetensors", d)
	}
	dims := ""
	for _, n := range shape {
		dims += strconv.Itoa(n) + ", "
	}
	if len(shape) > 1 {
		dims = strings.TrimSuffix(dims, ", ")
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, strings.TrimSuffix(dims, " "))
	const preamble = 10
	total := (preamble + len(dict) + 1 + 63) / 64 * 64
	dict += strings.Repeat(" ", total-preamble-len(dict)-1) + "\n"
	return append([]byte{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, byte(len(dict)), byte(len(dict) >> 8)}, dict...), nil
}
