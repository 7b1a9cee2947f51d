package train

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/runtime/train/metrics"
)

// row is a line of a table that is not empty.
type row struct {
	line   int
	fields []string
	err    error
}

// table reads a table (see metrics.OpenTable) whose header names its columns: image (or file_name), score, critique, split,
// system and prompt; other columns of numbers are targets, and those of text are told about.
func (r *reader) table(text []byte) error {
	c, err := metrics.OpenTable(bytes.NewReader(text))
	if err != nil {
		return err
	}
	header, err := c.Read()
	if err == io.EOF {
		return errors.New("it holds no records")
	}
	if err != nil {
		return fmt.Errorf("header: %w", tableError(err))
	}
	rows, err := readRows(c)
	if err != nil {
		return err
	}
	roles, err := r.roles(header, rows)
	if err != nil {
		return err
	}
	for _, row := range rows {
		record := Record{}
		if err = row.err; err == nil {
			record, err = rowRecord(header, roles, row.fields)
		}
		r.add(row.line, record, err)
	}
	return nil
}

// readRows reads the rows below a header.
func readRows(c *csv.Reader) (rows []row, err error) {
	for {
		fields, err := c.Read()
		if err == io.EOF {
			return rows, nil
		}
		var bad *csv.ParseError
		switch {
		case errors.As(err, &bad):
			rows = append(rows, row{line: bad.StartLine, err: tableError(err)})
		case err != nil:
			return nil, err
		case slices.ContainsFunc(fields, func(field string) bool { return strings.TrimSpace(field) != "" }):
			line, _ := c.FieldPos(0)
			rows = append(rows, row{line: line, fields: fields})
		}
	}
}

// tableError is an error of encoding/csv in words.
func tableError(err error) error {
	switch {
	case errors.Is(err, csv.ErrQuote):
		return errors.New("a quote opens a field and does not close it where the field ends: close it, and double each quote inside")
	case errors.Is(err, csv.ErrBareQuote):
		return errors.New("a quote stands inside a field that has none around it: put quotes around the field, and double each one inside")
	}
	return err
}

// role is what a column is read as.
type columnRole struct {
	name   string // of Record's parts, or of a target; "": it is not read
	target bool
}

// roles say what each column of a table is.
func (r *reader) roles(header []string, rows []row) ([]columnRole, error) {
	roles := make([]columnRole, len(header))
	at := map[string]int{}
	for i, field := range header {
		name, chosen := r.role(field)
		own := strings.TrimSpace(field)
		switch {
		case chosen || name != "":
			roles[i] = columnRole{name, name == scoreName || !slices.Contains(parts, name)}
		case len(r.options.Columns) > 0 && r.options.Columns.learns(), own == "" && i > 0:
			continue // not among those that were chosen, or without a name
		case slices.Contains(parts, columnName(field)):
			continue // train.ReadOptions.Columns reads another column as that
		default:
			if like := r.slip(own, header); like != "" {
				return nil, fmt.Errorf("the header has no column %s, but %q; is it a slip? Rename it, or read it with train.ReadOptions.Columns, as in train.ReadOptions.Columns %s=%s, or train.ReadOptions.Columns %s for a target of that name", like, own, like, own, own)
			}
			if roles[i].name, roles[i].target = own, r.isTarget(own, i, rows); !roles[i].target {
				roles[i].name = ""
			}
		}
		key := roles[i].name
		if key == "" {
			key = own
		}
		if j, twice := at[key]; twice && key != "" {
			return nil, fmt.Errorf("the header names column %q twice, as columns %d and %d", key, j+1, i+1)
		}
		at[key] = i
	}
	if !slices.ContainsFunc(roles, func(c columnRole) bool { return c.name == "image" }) {
		return nil, fmt.Errorf("the header has no column image, but %s; train.ReadOptions.Columns image=NAME reads it from another", quoted(r.names))
	}
	return roles, nil
}

// slip is the known column that a name is a likely typo of, if the header does not have that column; "": none.
func (r *reader) slip(name string, header []string) string {
	like := near(name, parts)
	if like == "" || slices.Contains(dimensions, name) || slices.ContainsFunc(r.options.Columns, func(c Column) bool { return c.Name == like }) ||
		slices.ContainsFunc(header, func(field string) bool { return columnName(field) == like }) {
		return ""
	}
	return like
}

// numeric matches what is meant as a number, even if it is not written as one.
var numeric = regexp.MustCompile(`^[-+]?[0-9][0-9.,'\x{00a0} ]*(e[-+]?[0-9]+)?\s*(%|/\s*[0-9]+)?$`)

// isTarget reports whether a column of an unknown name holds numbers. One that does not is noted.
func (r *reader) isTarget(name string, i int, rows []row) bool {
	numbers, others, first := 0, 0, 0
	for _, row := range rows {
		if i >= len(row.fields) || absent(row.fields[i]) {
			continue
		}
		if numbers+others == 0 {
			first = row.line
		}
		if numeric.MatchString(strings.ToLower(strings.TrimSpace(row.fields[i]))) {
			numbers++
		} else {
			others++
		}
	}
	switch {
	case numbers+others == 0:
		return false
	case slices.Contains(dimensions, name):
		return true
	case isLabel(name):
		for range numbers + others {
			r.leave("column", name, "what tells rows apart", first)
		}
		return false
	case others > numbers:
		for range numbers + others {
			r.leave("column", name, textKind, first)
		}
		return false
	}
	return true
}

// rowRecord reads the fields of a row.
func rowRecord(header []string, roles []columnRole, fields []string) (Record, error) {
	r := Record{}
	texts := map[string]*string{"image": &r.Image, "critique": &r.Critique, "split": &r.Split, "system": &r.System, "prompt": &r.Prompt}
	for i, field := range fields {
		trimmed := strings.TrimSpace(field)
		switch {
		case trimmed == "":
			continue
		case i >= len(header) || strings.TrimSpace(header[i]) == "" && roles[i].name == "" && i > 0:
			return r, fmt.Errorf("field %d, %.40q, stands under no name of the header", i+1, trimmed)
		case roles[i].name == "":
			continue
		case !roles[i].target:
			if to := texts[roles[i].name]; to != &r.Image || !absent(trimmed) {
				*to = trimmed
			}
			continue
		}
		v, ok, err := tableNumber(trimmed)
		if err != nil && roles[i].name != scoreName {
			return r, fmt.Errorf("column %s: %w; or leave the column out by naming others with train.ReadOptions.Columns", strings.TrimSpace(header[i]), err)
		}
		if err != nil {
			return r, fmt.Errorf("column %s: %w", strings.TrimSpace(header[i]), err)
		}
		if ok {
			r.setValue(roles[i].name, v)
		}
	}
	if last := lastNamed(header); len(fields) <= last {
		return r, fmt.Errorf("it has %d fields, and the header %d: write a separator for each that is empty, or put quotes around a text of several lines", len(fields), last+1)
	}
	return r, nil
}

// lastNamed is the place of the last column that has a name.
func lastNamed(header []string) int {
	for i := len(header) - 1; i >= 0; i-- {
		if strings.TrimSpace(header[i]) != "" {
			return i
		}
	}
	return -1
}

// IsTableOfRecords reports whether a table names a column of images, by its header or by columns.
func IsTableOfRecords(table []byte, columns Columns) bool {
	c, err := metrics.OpenTable(bytes.NewReader(table))
	if err != nil {
		return false
	}
	header, err := c.Read()
	return err == nil && slices.ContainsFunc(header, func(field string) bool {
		return columnName(field) == "image" || columns.of(strings.TrimSpace(field)) == "image"
	})
}
