package metrics

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
)

// OpenTable reads CSV as spreadsheets write it: with or without a byte order mark, its columns parted by semicolons, tabs or
// commas, whichever of these the first line holds outside quotes. Rows may be of different lengths. UTF-16 is an error.
func OpenTable(r io.Reader) (*csv.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	head, err := b.Peek(1 << 16)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return nil, errors.New("it is UTF-16: save it as CSV in UTF-8")
	}
	if mark := []byte("\xef\xbb\xbf"); bytes.HasPrefix(head, mark) {
		_, _ = b.Discard(len(mark)) // Peek holds these bytes already
	}
	c := csv.NewReader(b)
	c.FieldsPerRecord = -1
	c.Comma = separator(head)
	return c, nil
}

// separator is what parts the columns of the first line that is not empty.
func separator(text []byte) rune {
	quoted := false
	found := ','
	for _, b := range bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), "\r\n") {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '\n':
			return found
		case b == ';':
			return ';'
		case b == '\t':
			found = '\t'
		}
	}
	return found
}
