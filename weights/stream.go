package weights

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
)

// StreamWriter writes a safetensors file whose tensors are not all known
// beforehand, such as a trace. Data goes to a hidden file beside path as it is
// added; Close copies it behind the finished header. Memory stays small however
// large the file. Not for concurrent use.
type StreamWriter struct {
	path     string
	metadata map[string]string
	spool    *os.File
	w        *bufio.Writer
	at       int64
	tensors  []Named
	seen     map[string]bool
	err      error
}

// NewStreamWriter begins a safetensors file at path. Until Close nothing
// appears there; on any way out call Close or Abort.
func NewStreamWriter(path string, metadata map[string]string) (*StreamWriter, error) {
	if err := replaceable(path); err != nil {
		return nil, err
	}
	f, err := createBeside(path, "spool")
	if err != nil {
		return nil, err
	}
	return &StreamWriter{path: path, metadata: metadata, spool: f, w: bufio.NewWriterSize(f, 1<<20), seen: map[string]bool{}}, nil
}

// Add appends one tensor from its bytes; data may be reused afterwards. After
// an error every later call returns it, and Close writes nothing.
func (s *StreamWriter) Add(name string, d DType, shape []int, data []byte) error {
	return s.AddNamed(FromBytes(name, d, shape, data))
}

// AddNamed is Add for a tensor from FromF32, FromI64 and the like.
func (s *StreamWriter) AddNamed(t Named) error {
	if s.err == nil {
		s.err = s.add(t)
	}
	return s.err
}

func (s *StreamWriter) add(t Named) error {
	if s.spool == nil {
		return fmt.Errorf("write %s: already closed", s.path)
	}
	size, err := t.check()
	if err == nil && s.seen[t.Name] {
		err = fmt.Errorf("tensor %q is given twice", t.Name)
	}
	if err == nil {
		err = t.emit(s.w, size)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", s.path, err)
	}
	s.seen[t.Name] = true
	from := io.NewSectionReader(s.spool, s.at, int64(size))
	s.at += int64(size)
	s.tensors = append(s.tensors, Named{t.Name, t.DType, slices.Clone(t.Shape), func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	}})
	return nil
}

// Close writes the file to its place. After an error in Add it only cleans up
// and returns that error.
func (s *StreamWriter) Close() error {
	if s.spool == nil {
		return s.err
	}
	defer s.Abort()
	if s.err != nil {
		return s.err
	}
	if s.err = s.w.Flush(); s.err != nil {
		s.err = fmt.Errorf("write %s: %w", s.path, s.err)
		return s.err
	}
	s.err = Write(s.path, s.tensors, s.metadata)
	return s.err
}

// Abort gives the file up; path stays as it was. After Close it does nothing.
func (s *StreamWriter) Abort() {
	if s.spool != nil {
		discard(s.spool)
		s.spool = nil
	}
}
