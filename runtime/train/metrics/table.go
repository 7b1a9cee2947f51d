package metrics

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// OpenTable reads CSV as spreadsheets write it, with or without a byte order mark, and with LF, CR LF or CR at the ends of
// lines. The separator is what a first line sep=; says, or else the semicolon, tab, comma or bar that the first line holds
// outside quotes. Rows may differ in length. UTF-16 is an error, and so is a row of more than 16 MB or 16384 columns.
func OpenTable(r io.Reader) (*csv.Reader, error) {
	b := bufio.NewReaderSize(&lines{from: bufio.NewReader(r)}, 1<<16)
	head, err := b.Peek(1 << 16)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return nil, errors.New("it is UTF-16: save it as CSV in UTF-8")
	}
	if mark := []byte("\xef\xbb\xbf"); bytes.HasPrefix(head, mark) {
		_, _ = b.Discard(len(mark)) // Peek holds these bytes already
		head = head[len(mark):]
	}
	comma, said := saidSeparator(head)
	if said {
		_, _ = b.Discard(bytes.IndexByte(head, '\n')) // without the line's end, so that lines keep their numbers
	} else {
		comma = separator(head)
	}
	c := csv.NewReader(&bounded{from: b, comma: byte(comma)})
	c.FieldsPerRecord = -1
	c.Comma = comma
	return c, nil
}

// saidSeparator is the separator of a first line sep=;, which spreadsheets write for each other.
func saidSeparator(text []byte) (comma rune, said bool) {
	line, _, whole := strings.Cut(string(text[:min(len(text), 16)]), "\n")
	line = strings.Trim(line, `"`)
	if !whole || len(line) != 5 || !strings.EqualFold(line[:4], "sep=") || strings.ContainsAny(line[4:], "\"\r\n") || line[4] >= 0x80 {
		return 0, false
	}
	return rune(line[4]), true
}

// separator is the separator of the first line that is not empty.
func separator(text []byte) rune {
	quoted, found := false, rune(0)
	for _, b := range bytes.TrimLeft(text, "\r\n") {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '\n':
			return cmp.Or(found, ',')
		case b == ';':
			return ';'
		case b == '\t', b == ',' && found != '\t', b == '|' && found == 0:
			found = rune(b)
		}
	}
	return cmp.Or(found, ',')
}

// lines ends each line by LF, whether CR LF, CR or LF ended it.
type lines struct {
	from  *bufio.Reader
	after bool // a CR
}

// Read fills p.
func (l *lines) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil && len(p) > 0 {
		var got int
		got, err = l.from.Read(p)
		for _, c := range p[:got] {
			if c == '\n' && l.after {
				l.after = false
				continue
			}
			if l.after = c == '\r'; l.after {
				c = '\n'
			}
			p[n] = c
			n++
		}
	}
	return n, err
}
