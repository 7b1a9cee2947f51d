package tensor

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
)

// Finite fails the run if x holds an infinity or NaN (law 4), naming the point and the row; in a batch it fails the sequences that
// have such a row.
//
// On a device that is not the host the search is queued like any operation, and its result is read before any number of the run leaves the
// device: with the next download, or by Synchronize. The error is the same one, that of the first point in the order of the computation.
func (r *Run) Finite(at Point, x Tensor) {
	switch {
	case r.idle() || !r.dev.Computes():
	case !r.dev.OnHost():
		r.search(at, x)
	case r.Sequences == nil:
		if err := r.checkFinite(at, x, r.FirstRow); err != nil {
			r.Fail(err)
		}
	default:
		from := 0
		for i := range r.Sequences {
			s := &r.Sequences[i]
			if s.Err == nil {
				s.Err = r.checkFinite(at, x.Slice(from, from+s.Rows), s.First)
			}
			from += s.Rows
		}
	}
}

// checkFinite is an error if x, on the host, whose first row stands at position first of its sequence, holds an infinity or NaN.
func (r *Run) checkFinite(at Point, x Tensor, first int) error {
	row, col := r.dev.FirstNonFinite(x.array())
	if row < 0 {
		return nil
	}
	return &NonFiniteError{Point: at.String(), Row: first + row, Column: col, Value: x.Row(row)[col]}
}

// searches are those of a run whose results are still on a device. They are kept with the run's arena for the next run: decoding allocates
// nothing.
type searches struct {
	on   []found  // one for each device
	list []search // in the order of the computation
	rows []rows   // of their sequences

	copies []kernels.Download // that are being made
}

// found is where the results of a device's searches go.
type found struct {
	dev  kernels.Device
	data kernels.Buffer
	host []float32
	used int // floats
}

// search is one of them: where its results lie, and which of searches.rows its rows are.
type search struct {
	at       Point
	on, from int
	lo, hi   int
}

// rows are some that follow one another: of a sequence of a batch, or of the run's own, -1.
type rows struct{ sequence, n, first int }

// leastFound is the least floats that results have room for.
const leastFound = 1 << 14

// search looks for what is not finite in x, and remembers that the answer is to come.
func (r *Run) search(at Point, x Tensor) {
	if x.Rows == 0 || x.Cols == 0 {
		return
	}
	s, n := r.searches, kernels.NonFiniteFloats*x.Rows
	on := 0
	for on < len(s.on) && s.on[on].dev != r.dev {
		on++
	}
	if on == len(s.on) {
		s.on = append(s.on, found{dev: r.dev})
	}
	f := &s.on[on]
	if f.used+n > f.data.Len() {
		if r.read(nil); r.idle() {
			return
		}
		if n > f.data.Len() {
			if !f.data.None() {
				r.dev.Free(f.data)
			}
			var err error
			if f.data, err = r.dev.Alloc(max(n, leastFound)); err != nil {
				*f = found{dev: f.dev}
				r.Fail(err)
				return
			}
			f.host = make([]float32, f.data.Len())
		}
	}
	lo := len(s.rows)
	if r.Sequences == nil {
		s.rows = append(s.rows, rows{-1, x.Rows, r.FirstRow})
	}
	for i := range r.Sequences {
		s.rows = append(s.rows, rows{i, r.Sequences[i].Rows, r.Sequences[i].First})
	}
	s.list = append(s.list, search{at, on, f.used, lo, len(s.rows)})
	r.dev.FindNonFinite(f.data.Slice(f.used, f.used+n), x.array())
	f.used += n
}

// Synchronize waits for the results of all searches of Finite, and is Err: a run ends with it, or with a download.
func (r *Run) Synchronize() error {
	if r.err == nil {
		r.read(nil)
	}
	return r.Err()
}

// read reads the results of the searches that were made so far, and with them, in one download, what copies asks for, all of one device.
func (r *Run) read(copies []kernels.Download) {
	s, from := r.searches, r.dev
	if len(copies) > 0 {
		from = r.lies(copies[0].Src)
	}
	if s == nil || len(s.list) == 0 && len(copies) == 0 {
		return
	}
	for i := range s.on {
		f := &s.on[i]
		all := s.copies[:0]
		if f.used > 0 {
			all = append(all, kernels.Download{Dst: f.host[:f.used], Src: f.data.Slice(0, f.used).Row()})
		}
		if f.dev == from {
			all = append(all, copies...)
			copies = nil
		}
		r.fetch(f.dev, all)
	}
	r.fetch(from, append(s.copies[:0], copies...))
	list := s.list
	s.list = s.list[:0] // before anything fails, which would read them
	for _, l := range list {
		if r.err == nil {
			r.judge(s, l)
		}
	}
	for i := range s.on {
		s.on[i].used = 0
	}
	s.rows = s.rows[:0]
}

// fetch downloads from a device.
func (r *Run) fetch(dev kernels.Device, all []kernels.Download) {
	r.searches.copies = all[:0]
	if len(all) > 0 && r.err == nil {
		r.err = dev.DownloadAll(all)
	}
	clear(all) // nobody's memory is kept
}

// judge fails what a search concerns, if it found anything.
func (r *Run) judge(s *searches, l search) {
	host, row := s.on[l.on].host[l.from:], 0
	for _, rows := range s.rows[l.lo:l.hi] {
		for i := range rows.n {
			col, value := kernels.ReadNonFinite(host, row+i)
			if col < 0 {
				continue
			}
			err := &NonFiniteError{Point: l.at.String(), Row: rows.first + i, Column: col, Value: value}
			if rows.sequence < 0 {
				r.err = err
			} else if q := &r.Sequences[rows.sequence]; q.Err == nil {
				q.Err = err
			}
			break
		}
		row += rows.n
	}
}

// forget drops the searches of a run that was left.
func (s *searches) forget() {
	for i := range s.on {
		s.on[i].used = 0
	}
	s.list, s.rows = s.list[:0], s.rows[:0]
}

// NonFiniteError says where the first infinity or NaN of a run appeared.
type NonFiniteError struct {
	Point       string // the tap point
	Row, Column int
	Value       float32
}

// Error names the tap point, row and column, and what to do.
func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("%s is %v at row %d, column %d: the weights before it hold a non-finite or far too large value; check the files with `loupe inspect`", e.Point, e.Value, e.Row, e.Column)
}
