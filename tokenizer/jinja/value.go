package jinja

import (
	"fmt"
	"math"
)

// Values are nil, bool, int64, float64, string, *List, *Dict, and what only a template makes: undefined, markup, *namespace,
// *loop, *function and *macro.
type (
	// List is a list of Python, or one of its relatives.
	List struct {
		Items []any
		kind  listKind
		text  string // of a range, what it prints
	}

	// Dict keeps its keys in the order in which they came, as Python's does.
	Dict struct {
		keys   []any
		values map[any]any
	}

	undefined struct{ what string } // the name of what is missing, for errors
	markup    string                // text that is escaped for HTML: + with it escapes the other side
	namespace struct{ Dict }
	function  struct {
		name string
		call func(*frame, *args) (any, error)
	}
)

type listKind uint8

const (
	isList listKind = iota
	isTuple
	isRange
	isGenerator // can be gone through once
	isKeys
	isValues
	isItems
)

var listNames = [...]string{"list", "tuple", "range", "generator", "dict_keys", "dict_values", "dict_items"}

// NewList is a list of Python.
func NewList(items ...any) *List { return &List{Items: items} }

func tuple(items ...any) *List      { return &List{Items: items, kind: isTuple} }
func generator(items []any) *List   { return &List{Items: items, kind: isGenerator} }
func (l *List) indexed() bool       { return l.kind <= isRange }
func (l *List) plain() bool         { return l.kind == isList || l.kind == isTuple }
func newDict() *Dict                { return &Dict{values: map[any]any{}} }
func (d *Dict) entry(i int) *List   { return tuple(d.keys[i], d.values[hash(d.keys[i])]) }
func (n *namespace) String() string { return "a namespace" }

// NewDict is a dictionary without keys.
func NewDict() *Dict { return newDict() }

// Set gives a key, which is a string, a number or a bool, a value.
func (d *Dict) Set(key, value any) {
	h := hash(key)
	if _, ok := d.values[h]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[h] = value
}

// Get is the value of a key.
func (d *Dict) Get(key any) (any, bool) {
	v, ok := d.values[hash(key)]
	return v, ok
}

func (d *Dict) items() []any {
	out := make([]any, len(d.keys))
	for i := range d.keys {
		out[i] = d.entry(i)
	}
	return out
}

// hash maps keys that are equal in Python, such as 1, 1.0 and True, to the same value.
func hash(key any) any {
	switch k := key.(type) {
	case bool:
		if k {
			return int64(1)
		}
		return int64(0)
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<53 {
			return int64(k)
		}
	case markup:
		return string(k)
	}
	return key
}

func hashable(key any) error {
	switch key.(type) {
	case nil, bool, int64, float64, string, markup:
		return nil
	}
	return fmt.Errorf("%s cannot be the key of a dictionary", typeName(key))
}

func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64:
		return "a whole number"
	case float64:
		return "a float"
	case string, markup:
		return "a string"
	case *List:
		return "a " + listNames[v.kind]
	case *Dict:
		return "a dict"
	case undefined:
		return v.what + ", which is not defined,"
	case *namespace:
		return "a namespace"
	case *loop:
		return "the loop"
	}
	return "a function"
}

func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case markup:
		return v != ""
	case *List:
		return v.kind == isGenerator || len(v.Items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// iterate lists what a loop over v goes through. A generator is empty afterwards.
func iterate(v any) ([]any, error) {
	switch v := v.(type) {
	case *List:
		items := v.Items
		if v.kind == isGenerator {
			v.Items = nil
		}
		return items, nil
	case *Dict:
		return v.keys, nil
	case string:
		out := make([]any, 0, len(v))
		for _, r := range v {
			out = append(out, string(r))
		}
		return out, nil
	case markup:
		return iterate(string(v))
	case undefined:
		return nil, nil
	case *loop:
		return nil, fmt.Errorf("a loop over loop is not supported")
	}
	return nil, fmt.Errorf("%s cannot be gone through", typeName(v))
}

func length(v any) (int, error) {
	switch v := v.(type) {
	case string, markup:
		return len([]rune(plain(v))), nil
	case *Dict:
		return len(v.keys), nil
	case undefined:
		return 0, nil
	case *loop:
		return len(v.items), nil
	case *List:
		if v.kind != isGenerator {
			return len(v.Items), nil
		}
	}
	return 0, fmt.Errorf("%s has no length", typeName(v))
}

// plain is a string's text; "" for another value.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case markup:
		return string(v)
	}
	return ""
}

func isString(v any) bool {
	switch v.(type) {
	case string, markup:
		return true
	}
	return false
}

// numeric is the value of a number; bools count as 0 and 1.
func numeric(v any) (n int64, f float64, isInt, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			n = 1
		}
		return n, float64(n), true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}
