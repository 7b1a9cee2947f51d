package metrics

import (
	"fmt"
	"io"
)

// Bounds of a row of a table. Spreadsheets have no more columns, and a longer row has most likely lost a quote.
const (
	mostColumns  = 16384
	mostRowBytes = 16 << 20
)

// bounded is a reader of a table that fails at a row beyond the bounds.
type bounded struct {
	from    io.Reader
	comma   byte
	line    int // of the end of what has passed
	begin   int // line in which the row begins
	bytes   int // of the row so far
	columns int
	quoted  bool
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	for _, c := range p[:n] {
		b.bytes++
		switch {
		case c == '"':
			b.quoted = !b.quoted
		case c == b.comma && !b.quoted:
			b.columns++
		case c == '\n':
			b.line++
			if !b.quoted {
				b.bytes, b.columns, b.begin = 0, 0, b.line
			}
		}
		if b.bytes > mostRowBytes {
			return 0, fmt.Errorf("the row that begins in line %d has more than %d MB; is a quote missing that closes a field?", b.begin+1, mostRowBytes>>20)
		}
		if b.columns > mostColumns {
			return 0, fmt.Errorf("the row that begins in line %d has more than %d columns; check that it is the table that you mean", b.begin+1, mostColumns)
		}
	}
	return n, err
}
