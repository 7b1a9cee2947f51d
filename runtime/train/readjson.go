package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/loupe-vl/loupe/weights/disk"
)

// json reads JSON Lines, a JSON array, objects one after the other, or an object that holds the array.
func (r *reader) json(text []byte) error {
	text = plainNaN(text)
	switch head := bytes.TrimSpace(text); {
	case bytes.HasPrefix(head, []byte("[")):
		return r.array(text, 0)
	case bytes.HasPrefix(head, []byte("{")) && !wholeFirstLine(text) && json.Valid(head):
		return r.wrapped(text)
	case bytes.HasPrefix(head, []byte("{")) && !wholeFirstLine(text) && validStream(text):
		return r.stream(text, "")
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if line = bytes.TrimSpace(line); len(line) > 0 {
			record, err := r.object(line, n)
			r.add(n, record, err)
			if len(r.bad) > mostBad {
				return nil
			}
		}
	}
	return nil
}

// wholeFirstLine reports whether the first line that is not empty is a whole JSON value: the file is then JSON Lines.
func wholeFirstLine(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return json.Valid(line)
		}
	}
	return false
}

// validStream reports whether a text is JSON values one after the other.
func validStream(text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return err == io.EOF
		}
	}
}

// array reads a JSON array of records, which is what LLaMA-Factory's and LLaVA's .json files are; before is the number of
// lines that stand before text in the file.
func (r *reader) array(text []byte, before int) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return jsonError(text, err)
	}
	at, line, oneLine := 0, 1+before, !bytes.Contains(bytes.TrimSpace(text), []byte("\n"))
	for d.More() && len(r.bad) <= mostBad {
		var element json.RawMessage
		if err := d.Decode(&element); err != nil {
			return fmt.Errorf("after the record in line %d the array is broken: %w", line, jsonError(text, err))
		}
		begin := int(d.InputOffset()) - len(element)
		line += bytes.Count(text[at:begin], []byte("\n"))
		at = begin
		number := line
		if r.unit = "line"; oneLine { // as Python's json.dump writes it: a line's number would tell nothing
			r.elements++
			r.unit, number = "record", r.elements
		}
		record, err := r.object(element, number)
		r.add(number, record, err)
	}
	if len(r.bad) > mostBad {
		return nil
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("the array does not end: %w", jsonError(text, err))
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 && before == 0 {
		return fmt.Errorf("more stands behind the array, %.20s; one file is one array", rest)
	}
	return nil
}

// stream reads objects that follow one another, each over any number of lines. An object without a split gets the given
// one.
func (r *reader) stream(text []byte, split string) error {
	d := json.NewDecoder(bytes.NewReader(text))
	at, line := 0, 1
	for {
		var element json.RawMessage
		if err := d.Decode(&element); err == io.EOF {
			return nil
		} else if err != nil {
			return jsonError(text, err)
		}
		begin := int(d.InputOffset()) - len(element)
		line += bytes.Count(text[at:begin], []byte("\n"))
		at = begin
		record, err := r.object(element, line)
		r.add(line, record, err)
	}
}

// wrapped reads an object over several lines: one record, or lists of them under the names of splits or under data.
func (r *reader) wrapped(text []byte) error {
	f, err := parseFields(text)
	if err != nil {
		return err
	}
	if !r.holdsLists(f) {
		return r.stream(text, "")
	}
	own := r.split
	defer func() { r.split = own }()
	for _, name := range f.names {
		raw := f.values[name]
		if kindOf(raw) != listKind {
			continue
		}
		if r.split = own; splits[canonical(name)] != "" {
			r.split = splits[canonical(name)]
		}
		if err := r.array(raw, bytes.Count(text[:bytes.Index(text, raw)], []byte("\n"))); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	return nil
}

// holdsLists reports whether an object holds lists of records and is none itself.
func (r *reader) holdsLists(f *fields) bool {
	any := false
	for _, name := range f.names {
		switch known := canonical(name); {
		case splits[known] == "" && known != "data" && known != "records" && known != "annotations" && known != "examples":
		case kindOf(f.values[name]) == listKind:
			any = true
		}
	}
	return any
}

// jsonError is an error of encoding/json in words.
func jsonError(text []byte, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err.Error() == "unexpected end of JSON input":
		return errors.New("the JSON: " + disk.JSONWords(err))
	case errors.As(err, &syntax):
		what := disk.JSONWords(err)
		at := min(max(int(syntax.Offset)-1, 0), len(text))
		return fmt.Errorf("it is no JSON: %s, near %.30s", what, bytes.TrimSpace(text[max(0, at-12):min(len(text), at+12)]))
	}
	return err
}

// fields are the keys of an object and their values.
type fields struct {
	names  []string // in order
	values map[string]json.RawMessage
}

// parseFields reads an object of JSON. A key that is there twice is an error.
func parseFields(text []byte) (*fields, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	t, err := d.Token()
	if err != nil {
		return nil, jsonError(text, err)
	}
	if t != json.Delim('{') {
		return nil, fmt.Errorf("it is %.40s; a record is an object with image and any of score, critique, targets, split, system, prompt, or messages with images", bytes.TrimSpace(text))
	}
	f := &fields{values: map[string]json.RawMessage{}}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, jsonError(text, err)
		}
		name, _ := t.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, jsonError(text, err)
		}
		if _, twice := f.values[name]; twice {
			return nil, fmt.Errorf("it has the key %q twice", name)
		}
		f.names = append(f.names, name)
		f.values[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, jsonError(text, err)
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return nil, fmt.Errorf("more stands behind the record, %.20s; one line is one record", rest)
	}
	return f, nil
}
