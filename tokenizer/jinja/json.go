package jinja

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// FromJSON is the value that Python's json.loads gives, with the keys of objects in order. The last of repeated keys
// counts, as in Python.
func FromJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := fromJSON(d, 0)
	if err == nil && d.More() {
		err = fmt.Errorf("there is more than one value")
	}
	return v, err
}

func fromJSON(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("values are nested more than %d deep", maxNesting)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		if !strings.ContainsAny(t.String(), ".eE") {
			return strconv.ParseInt(t.String(), 10, 64)
		}
		return t.Float64()
	case json.Delim:
		list, dict := NewList(), NewDict()
		for d.More() {
			var key any
			if t == '{' {
				if key, err = d.Token(); err != nil {
					return nil, err
				}
			}
			v, err := fromJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			if t == '{' {
				dict.Set(key, v)
			} else {
				list.Items = append(list.Items, v)
			}
		}
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		if t == '{' {
			return dict, nil
		}
		return list, nil
	}
	return t, nil // nil, a bool or a string
}
