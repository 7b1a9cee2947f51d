package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"syscall"
	"unicode/utf8"
	"unsafe"
)

// Named is a tensor to be written: its description, and a function that yields
// its bytes (little-endian, row-major) when they are needed, so that a file of
// any size is written without holding it.
type Named struct {
	Name  string
	DType DType
	Shape []int
	// Write writes exactly the tensor's bytes to w. It is called once.
	Write func(w io.Writer) error
}

// FromBytes is a tensor of any type from its bytes.
func FromBytes(name string, d DType, shape []int, data []byte) Named {
	return Named{name, d, shape, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// FromTensor is a tensor as it was read, under the given name.
func FromTensor(name string, t Tensor) Named {
	return Named{name, t.DType, t.Shape, func(w io.Writer) error {
		n, err := w.Write(t.Data)
		if errors.Is(err, syscall.EFAULT) { // the system's own reading of a map that faults
			return fmt.Errorf("%s cannot be read, %d bytes into tensor %q: it was made shorter, or its disk or network does not give it; put the whole file back and start again", t.File, n, t.Stored)
		}
		return err
	}}
}

// FromF32 is an F32 tensor from a slice, which must hold the shape's product.
func FromF32(name string, shape []int, data []float32) Named {
	return Named{name, F32, shape, func(w io.Writer) error {
		_, err := w.Write(F32Bytes(data))
		return err
	}}
}

// F32Bytes is a slice's bytes, little-endian: a view of it unless the machine is
// big-endian, where it is a copy.
func F32Bytes(data []float32) []byte {
	if littleEndian() {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 4*len(data))
	}
	out := make([]byte, 4*len(data))
	for i, x := range data {
		binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(x))
	}
	return out
}

// FromBF16 is a BF16 tensor from a slice of float32, each rounded to the
// nearest, ties to even, as PyTorch rounds.
func FromBF16(name string, shape []int, data []float32) Named {
	return Named{name, BF16, shape, func(w io.Writer) error {
		return encode(w, data, 2, func(b []byte, x float32) { binary.LittleEndian.PutUint16(b, F32ToBF16(x)) })
	}}
}

// FromF16 is an F16 tensor from a slice of float32, each rounded to the
// nearest, ties to even. Values beyond 65504 become infinite.
func FromF16(name string, shape []int, data []float32) Named {
	return Named{name, F16, shape, func(w io.Writer) error {
		return encode(w, data, 2, func(b []byte, x float32) { binary.LittleEndian.PutUint16(b, F32ToF16(x)) })
	}}
}

func putU16(b []byte, x uint16) { binary.LittleEndian.PutUint16(b, x) }

// FromI64 is an I64 tensor from a slice.
func FromI64(name string, shape []int, data []int64) Named {
	return Named{name, I64, shape, func(w io.Writer) error {
		return encode(w, data, 8, func(b []byte, x int64) { binary.LittleEndian.PutUint64(b, uint64(x)) })
	}}
}

// encode writes elements of the given size through a buffer of a few kilobytes.
func encode[T any](w io.Writer, data []T, size int, put func([]byte, T)) error {
	const chunk = 4096
	buf := make([]byte, 0, chunk*size)
	for len(data) > 0 {
		n := min(chunk, len(data))
		buf = buf[:n*size]
		for i, x := range data[:n] {
			put(buf[i*size:], x)
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// check makes sure that a tensor can be described in a header, and returns its
// number of bytes.
func (n Named) check() (int, error) {
	if n.Name == metadataName || n.Name == "" || !utf8.ValidString(n.Name) {
		return 0, fmt.Errorf("tensor name %q cannot be written", n.Name)
	}
	if len(n.Shape) > maxRank {
		return 0, fmt.Errorf("tensor %q: %d dimensions are more than %d", n.Name, len(n.Shape), maxRank)
	}
	_, size, err := elements(n.DType, n.Shape)
	if err != nil {
		return 0, fmt.Errorf("tensor %q: %w", n.Name, err)
	}
	if n.Write == nil {
		return 0, fmt.Errorf("tensor %q has no data", n.Name)
	}
	return size, nil
}

// emit writes the tensor's bytes and makes sure that there were size of them.
func (n Named) emit(w io.Writer, size int) error {
	c := &exactWriter{w: w, left: size}
	if err := n.Write(c); err != nil {
		return fmt.Errorf("tensor %q: %w", n.Name, err)
	}
	if c.left != 0 {
		return fmt.Errorf("tensor %q: dtype %s and shape %s need %d bytes, but %d were given", n.Name, n.DType, ShapeString(n.Shape), size, size-c.left)
	}
	return nil
}

// exactWriter refuses bytes beyond what was announced.
type exactWriter struct {
	w    io.Writer
	left int
}

var errTooLong = errors.New("more bytes than its dtype and shape need")

func (e *exactWriter) Write(p []byte) (int, error) {
	if len(p) > e.left {
		return 0, errTooLong
	}
	n, err := e.w.Write(p)
	e.left -= n
	return n, err
}
