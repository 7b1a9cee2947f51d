package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Bounds that no honest header or config comes near. They keep a hostile file
// from turning a few bytes into gigabytes of nested values.
const (
	maxJSONDepth    = 32
	maxConfigValues = 1 << 16 // the largest are patterns of adapters, one a module
	maxIndexValues  = 1 << 20 // an index has one a tensor
	maxJSONValues   = 2 << 20 // a header of 150,000 tensors
	maxJSONName     = 1 << 16 // bytes of a name
)

// object is a parsed JSON object; values are nil, bool, string, json.Number,
// []any or object.
type object map[string]any

// parseObject reads one JSON object strictly: valid UTF-8, no duplicate names
// (encoding/json would silently keep the last), bounded depth, nothing after
// it. Errors give the byte offset within data.
func parseObject(data []byte) (object, error) { return parseBounded(data, maxConfigValues) }

// parseBounded is parseObject of a text that may hold more.
func parseBounded(data []byte, most int) (object, error) {
	if err := disk.BoundJSON(data, most); err != nil {
		return nil, err
	}
	if what := disk.NotItself(data); what != "" {
		return nil, errors.New(what)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return nil, errors.New("it begins with a byte order mark, which JSON does not have: save it as UTF-8 without one")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	p := parser{dec: dec, left: maxJSONValues}
	v, err := p.value(0)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("JSON ends early, after %d bytes", len(data))
		}
		return nil, fmt.Errorf("%s (at byte %d)", disk.JSONWords(err), dec.InputOffset())
	}
	obj, ok := v.(object)
	if !ok {
		return nil, fmt.Errorf("JSON holds %s where an object is needed", kindOf(v))
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("data after the JSON object (at byte %d)", dec.InputOffset())
	}
	return obj, nil
}

// parser counts down how many values a document may still hold.
type parser struct {
	dec  *json.Decoder
	left int
}

func (p *parser) value(depth int) (any, error) {
	if p.left--; p.left < 0 {
		return nil, fmt.Errorf("JSON holds more than %d values", maxJSONValues)
	}
	tok, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return tok, nil
	}
	if depth >= maxJSONDepth {
		return nil, fmt.Errorf("JSON is nested deeper than %d levels", maxJSONDepth)
	}
	if delim == '{' {
		return p.members(depth)
	}
	list := []any{}
	for p.dec.More() {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err = p.dec.Token()
	return list, err
}

func (p *parser) members(depth int) (any, error) {
	obj := object{}
	for p.dec.More() {
		key, err := p.dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, errors.New("JSON object has a name that is not a string")
		}
		if len(name) > maxJSONName {
			return nil, fmt.Errorf("JSON object has a name of %d bytes, %.40q...; at most %d are read", len(name), name, maxJSONName)
		}
		if _, twice := obj[name]; twice {
			return nil, fmt.Errorf("JSON object has the name %.100q twice", name)
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		obj[name] = v
	}
	_, err := p.dec.Token()
	return obj, err
}

// kindOf names the JSON type of a parsed value, for error texts.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case []any:
		return "an array"
	}
	return "an object"
}
