package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/loupe-vl/loupe/weights/disk"
)

// StreamWriter writes a safetensors file whose tensors are not all known
// beforehand, such as a trace. Data goes to a hidden file beside path as it is
// added. Where Reserve left room for the header, Close writes it there and
// renames the file; else Close copies the data behind the finished header.
// Memory stays small however large the file. Not for concurrent use.
type StreamWriter struct {
	path     string
	metadata map[string]string
	spool    *disk.File
	room     int64 // for the header, before the data; 0: none
	at       int64 // the length of the data so far
	tensors  []Named
	known    map[string]*streamed
	err      error
}

// streamed is a tensor of which done bytes of size are written, from start of the
// data on.
type streamed struct {
	start      int64
	size, done int
}

// NewStreamWriter begins a safetensors file at path. Until Close nothing
// appears there; on any way out call Close or Abort.
func NewStreamWriter(path string, metadata map[string]string) (*StreamWriter, error) {
	spool, err := disk.Create(path)
	if err != nil {
		return nil, err
	}
	return &StreamWriter{path: path, metadata: metadata, spool: spool, known: map[string]*streamed{}}, nil
}

// HeaderBytes is an upper bound on the bytes that a tensor of that name and rank
// takes in a header.
func HeaderBytes(name string, rank int) int {
	return len(jsonString(name)) + len(`,:{"dtype":"BOOL","shape":[],"data_offsets":[,]}`) + 20*(rank+2)
}

// Reserve leaves room for a header of n bytes. Call it before anything is added.
func (s *StreamWriter) Reserve(n int) {
	if s.at == 0 {
		s.room = int64(n+15) / 8 * 8 // the length before the header, and what makes a multiple of 8
	}
}

// Add appends one tensor from its bytes; data may be reused afterwards. After
// an error every later call returns it, and Close writes nothing.
func (s *StreamWriter) Add(name string, d DType, shape []int, data []byte) error {
	return s.AddNamed(FromBytes(name, d, shape, data))
}

// AddNamed is Add for a tensor from FromF32, FromI64 and the like.
func (s *StreamWriter) AddNamed(t Named) error {
	if s.err == nil {
		s.err = s.wrap(s.add(t))
	}
	return s.err
}

// AddPart adds bytes to a tensor. Parts come in order: at is 0 in the first call
// for a name, and later how many bytes the calls before have added. Parts of
// several tensors may alternate. Close fails if a tensor is not whole.
func (s *StreamWriter) AddPart(name string, d DType, shape []int, at int, data []byte) error {
	if s.err == nil {
		s.err = s.wrap(s.addPart(name, d, shape, at, data))
	}
	return s.err
}

func (s *StreamWriter) wrap(err error) error {
	if err != nil {
		err = fmt.Errorf("write %s: %w", s.path, err)
	}
	return err
}

var errClosed = errors.New("already closed")

// begin finds the place of a new tensor.
func (s *StreamWriter) begin(t Named) (*streamed, error) {
	if s.spool == nil {
		return nil, errClosed
	}
	size, err := t.check()
	if err == nil && s.known[t.Name] != nil {
		err = fmt.Errorf("tensor %q is given twice", t.Name)
	}
	if err != nil {
		return nil, err
	}
	p := &streamed{start: s.at, size: size}
	s.known[t.Name] = p
	s.at += int64(size)
	from := io.NewSectionReader(s.spool.Temp, s.room+p.start, int64(size))
	s.tensors = append(s.tensors, Named{t.Name, t.DType, slices.Clone(t.Shape), func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	}})
	return p, nil
}

func (s *StreamWriter) add(t Named) error {
	p, err := s.begin(t)
	if err != nil {
		return err
	}
	w := s.spool.Writer
	w.Reset(io.NewOffsetWriter(s.spool.Temp, s.room+p.start))
	if err := t.emit(w, p.size); err != nil {
		return err
	}
	p.done = p.size
	return w.Flush()
}

func (s *StreamWriter) addPart(name string, d DType, shape []int, at int, data []byte) (err error) {
	p := s.known[name]
	if s.spool == nil {
		return errClosed
	}
	if p == nil {
		if p, err = s.begin(FromBytes(name, d, shape, data)); err != nil {
			return err
		}
	}
	if at != p.done || at+len(data) > p.size {
		return fmt.Errorf("tensor %q: %d bytes at %d, but %d of %d are written", name, len(data), at, p.done, p.size)
	}
	p.done += len(data)
	_, err = s.spool.Temp.WriteAt(data, s.room+p.start+int64(at))
	return err
}

// Close writes the file to its place. After an error in Add it only cleans up
// and returns that error.
func (s *StreamWriter) Close() error {
	if s.spool == nil {
		return s.err
	}
	defer s.Abort()
	for _, t := range s.tensors {
		if p := s.known[t.Name]; s.err == nil && p.done != p.size {
			s.err = fmt.Errorf("write %s: tensor %q has %d of its %d bytes", s.path, t.Name, p.done, p.size)
		}
	}
	if s.err != nil {
		return s.err
	}
	s.err = s.finish()
	return s.err
}

// finish puts the header into its room, or where that is too small into a copy.
func (s *StreamWriter) finish() error {
	header, _, err := encodeHeader(s.tensors, s.metadata, 8)
	if err != nil {
		return s.wrap(err)
	}
	if int64(len(header)) > s.room {
		return Write(s.path, s.tensors, s.metadata)
	}
	header = append(header, bytes.Repeat([]byte{' '}, int(s.room)-len(header))...)
	binary.LittleEndian.PutUint64(header, uint64(s.room-8))
	if _, err := s.spool.Temp.WriteAt(header, 0); err != nil {
		return s.wrap(err)
	}
	s.spool.Reset(s.spool.Temp)
	return s.spool.Commit()
}

// Abort gives the file up; path stays as it was. After Close it does nothing.
func (s *StreamWriter) Abort() {
	if s.spool != nil {
		s.spool.Abort()
		s.spool = nil
	}
}
