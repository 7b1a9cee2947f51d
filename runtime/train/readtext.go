package train

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// formats are other kinds of files, by their first bytes, and what to do with each.
var formats = []struct{ magic, what string }{
	{"PAR1", "it is a Parquet file: write it as JSON Lines (pandas: to_json(orient=\"records\", lines=True))"},
	{"ARROW1", "it is an Arrow file: write it as JSON Lines (datasets: to_json)"},
	{"PK\x03\x04", "it is a zip file, as spreadsheets (.xlsx, .ods) are: save it as \"CSV UTF-8\", or unpack it"},
	{"\xd0\xcf\x11\xe0", "it is a spreadsheet of Excel (.xls): save it as \"CSV UTF-8\""},
	{"\x1f\x8b", "it is packed with gzip: unpack it first"},
	{"\x28\xb5\x2f\xfd", "it is packed with zstd: unpack it first"},
	{"SQLite format 3", "it is a SQLite file: write its table as CSV"},
	{"\x80\x02", "it is a Python pickle: write it as JSON Lines"},
	{"\x80\x03", "it is a Python pickle: write it as JSON Lines"},
	{"\x80\x04", "it is a Python pickle: write it as JSON Lines"},
	{"\x80\x05", "it is a Python pickle: write it as JSON Lines"},
}

// plainText is a file's text without its byte order mark, or an error that says what else the file is.
func plainText(text []byte) ([]byte, error) {
	for _, f := range formats {
		if bytes.HasPrefix(text, []byte(f.magic)) {
			return nil, errors.New(f.what)
		}
	}
	head := text[:min(len(text), 64)]
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) || bytes.IndexByte(head, 0) >= 0 {
		return nil, errors.New("it is UTF-16 or no text: save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\")")
	}
	if i := invalid(text); i >= 0 {
		return nil, fmt.Errorf("line %d is not UTF-8 (it may be Latin-1 or Windows-1252): save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\")", 1+bytes.Count(text[:i], []byte("\n")))
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil
}

// invalid is the place of the first byte that is not UTF-8; -1: none.
func invalid(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}
