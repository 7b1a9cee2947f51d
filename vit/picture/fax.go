package picture

import (
	"errors"
	"fmt"
)

// fax decodes CCITT codes (ITU-T T.4 and T.6) to bits, 0 for white. A damaged code is an error; libtiff would guess and go
// on.
type fax struct {
	data []byte
	at   int // in bits
	w    int
	ref  []int // the changing elements of the row above, starting from white
}

var errFaxCode = errors.New("a damaged code")

// peek are the next n bits, with zeros beyond the end.
func (f *fax) peek(n int) int {
	v := 0
	for i := f.at / 8; i <= (f.at+n-1)/8; i++ {
		v <<= 8
		if i < len(f.data) {
			v |= int(f.data[i])
		}
	}
	return v >> (7 - (f.at+n-1)%8) & (1<<n - 1)
}

// run reads a run of one color: make-up codes of multiples of 64, and a terminating code.
func (f *fax) run(black bool) (n int, err error) {
	table := faxWhite
	if black {
		table = faxBlack
	}
	for {
		c := table[f.peek(faxBits)]
		if c.bits == 0 || f.at+int(c.bits) > 8*len(f.data) {
			return 0, errFaxCode
		}
		f.at += int(c.bits)
		n += int(c.run)
		switch {
		case n > f.w:
			return 0, errors.New("a run beyond the row's end")
		case c.run < 64:
			return n, nil
		}
	}
}

// alone reads a row in one-dimensional coding.
func (f *fax) alone() (row []int, err error) {
	for at, black := 0, false; at < f.w; black = !black {
		n, err := f.run(black)
		if err != nil {
			return nil, err
		}
		if at += n; at > f.w {
			return nil, errors.New("a run beyond the row's end")
		}
		row = append(row, at)
	}
	return row, nil
}

// faxModes are the vertical mode codes of two-dimensional coding: the offset of the next change from the change above it.
var faxModes = []struct{ code, bits, to int }{{1, 1, 0}, {3, 3, 1}, {2, 3, -1}, {3, 6, 2}, {2, 6, -2}, {3, 7, 3}, {2, 7, -3}}

// below reads a row in two-dimensional coding, relative to the row above.
func (f *fax) below() (row []int, err error) {
	at, black := -1, false
	change := func(to int) error {
		if to < max(at, 0) || to > f.w {
			return errors.New("a change outside the row")
		}
		row, at, black = append(row, to), to, !black
		return nil
	}
	i := 0
	above := func(k int) int {
		if k < len(f.ref) {
			return f.ref[k]
		}
		return f.w
	}
	for at < f.w {
		// The first change of the row above to the right of here, to the other color (b1).
		for i = max(i-2, 0); i < len(f.ref) && (f.ref[i] <= at || i%2 == 1 != black); {
			i++
		}
		switch {
		case f.at >= 8*len(f.data):
			return nil, errFaxCode
		case f.peek(4) == 1: // pass
			f.at += 4
			at = above(i + 1)
		case f.peek(3) == 1: // two runs
			f.at += 3
			for range 2 {
				n, err := f.run(black)
				if err != nil {
					return nil, err
				}
				if err := change(max(at, 0) + n); err != nil {
					return nil, err
				}
			}
		default:
			found := false
			for _, m := range faxModes {
				if f.peek(m.bits) == m.code {
					f.at += m.bits
					if err := change(above(i) + m.to); err != nil {
						return nil, err
					}
					found = true
					break
				}
			}
			if !found {
				return nil, errFaxCode
			}
		}
	}
	return row, nil
}

// line reads the end-of-line code before each row of group 3: at least eleven zeros, and a one.
func (f *fax) line() error {
	zeros := 0
	for ; f.at < 8*len(f.data); f.at++ {
		if f.peek(1) == 1 {
			f.at++
			if zeros < 11 {
				return errors.New("the end of a line is missing")
			}
			return nil
		}
		zeros++
	}
	return errors.New("it ends too early")
}

// rows decodes h rows into out, which must be zeros. mixed: group 3 with two-dimensional rows.
func (f *fax) rows(out []byte, h, compression int, mixed bool) error {
	stride := (f.w + 7) / 8
	for y := range h {
		read := f.alone
		switch compression {
		case tiffGroup4:
			read = f.below
		case tiffGroup3:
			if err := f.line(); err != nil {
				return fmt.Errorf("row %d: %w", y+1, err)
			}
			if mixed {
				if f.peek(1) == 0 {
					read = f.below
				}
				f.at++
			}
		}
		row, err := read()
		if err != nil {
			return fmt.Errorf("row %d: %w", y+1, err)
		}
		for i := 0; i < len(row); i += 2 {
			to := f.w
			if i+1 < len(row) {
				to = row[i+1]
			}
			for x := row[i]; x < to; x++ {
				out[y*stride+x/8] |= 0x80 >> (x % 8)
			}
		}
		f.ref = row
		if compression == tiffRLE {
			f.at = (f.at + 7) &^ 7
		}
	}
	return nil
}
