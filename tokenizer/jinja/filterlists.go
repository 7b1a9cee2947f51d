package jinja

import (
	"fmt"
	"slices"
	"strings"
)

func first(_ *frame, x any, a *args) (any, error) {
	items, err := iterate(x)
	if err != nil {
		return nil, err
	}
	if l, ok := x.(*List); ok && l.kind == isGenerator && len(items) > 0 {
		l.Items = items[1:]
	}
	if len(items) == 0 {
		return undefined{"the first of nothing"}, nil
	}
	return items[0], nil
}

func last(_ *frame, x any, a *args) (any, error) {
	if l, ok := x.(*List); ok && l.kind == isGenerator {
		return nil, fmt.Errorf("a generator has no last; the template lacks |list")
	}
	items, err := iterate(x)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return undefined{"the last of nothing"}, nil
	}
	return items[len(items)-1], nil
}

func toList(f *frame, x any, a *args) (any, error) {
	items, err := iterate(x)
	if err != nil {
		return nil, err
	}
	return NewList(slices.Clone(items)...), f.spend(16 * len(items))
}

// path resolves what attribute= names, such as "a.b.0".
func path(x any, by any) (any, error) {
	if n, _, whole, _ := numeric(by); whole {
		return itemOf(x, n)
	}
	for _, part := range strings.Split(plain(by), ".") {
		key := any(part)
		if part != "" && strings.Trim(part, "0123456789") == "" {
			n, err := number(token{kind: integer, text: strings.TrimLeft(part, "0") + "0"[:btoi(strings.Trim(part, "0") == "")]})
			if err != nil {
				return nil, err
			}
			key = n
		}
		var err error
		if x, err = itemOf(x, key); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// byAttribute is x itself, or what attribute= names of it where that was given.
func byAttribute(x, attribute any) (any, error) {
	if isMissing(attribute) || attribute == nil {
		return x, nil
	}
	return path(x, attribute)
}

// listArgs are the items of the list that a filter is given, and its arguments by the names that they have.
func listArgs(x any, a *args, names ...string) (items, values []any, err error) {
	if values, err = a.bind(names...); err != nil {
		return nil, nil, err
	}
	items, err = iterate(x)
	return items, values, err
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func joined(f *frame, x any, a *args) (any, error) {
	items, v, err := listArgs(x, a, "d", "attribute")
	if err != nil {
		return nil, err
	}
	sep := ""
	if !isMissing(v[0]) {
		if sep, err = str(v[0]); err != nil {
			return nil, err
		}
	}
	var b strings.Builder
	for i, x := range items {
		x, err := byAttribute(x, v[1])
		if err != nil {
			return nil, err
		}
		s, err := str(x)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(sep)
		}
		if err := f.spend(len(s) + len(sep)); err != nil {
			return nil, err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func itemsOf(_ *frame, x any, a *args) (any, error) {
	switch d := x.(type) {
	case undefined:
		return generator(nil), nil
	case *Dict:
		return generator(d.items()), nil
	}
	return nil, fmt.Errorf("%s is no dict", typeName(x))
}

func sum(f *frame, x any, a *args) (any, error) {
	items, v, err := listArgs(x, a, "attribute", "start")
	if err != nil {
		return nil, err
	}
	total := any(int64(0))
	if !isMissing(v[1]) {
		total = v[1]
	}
	if isString(total) {
		return nil, fmt.Errorf("strings have no sum")
	}
	for _, x := range items {
		x, err := byAttribute(x, v[0])
		if err != nil {
			return nil, err
		}
		if total, err = f.binary("+", total, x); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func batch(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("linecount", "fill_with")
	if err != nil {
		return nil, err
	}
	items, err := iterate(x)
	n, _, whole, _ := numeric(v[0])
	if err != nil || !whole || n < 1 {
		return nil, fmt.Errorf("it takes a list and a size above 0")
	}
	var out []any
	for part := range slices.Chunk(items, int(min(n, 1<<30))) {
		l := NewList(slices.Clone(part)...)
		for !isMissing(v[1]) && v[1] != nil && int64(len(l.Items)) < min(n, maxRange) {
			l.Items = append(l.Items, v[1])
		}
		out = append(out, l)
	}
	return generator(out), nil
}

// columns is Jinja's slice: that many lists of nearly equal length.
func columns(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("slices", "fill_with")
	if err != nil {
		return nil, err
	}
	items, err := iterate(x)
	n, _, whole, _ := numeric(v[0])
	if err != nil || !whole || n < 1 || n > maxRange {
		return nil, fmt.Errorf("it takes a list and a number of slices above 0")
	}
	size, more := len(items)/int(n), len(items)%int(n)
	var out []any
	at := 0
	for i := range int(n) {
		end := at + size + btoi(i < more)
		l := NewList(slices.Clone(items[at:end])...)
		if !isMissing(v[1]) && v[1] != nil && i >= more {
			l.Items = append(l.Items, v[1])
		}
		at, out = end, append(out, l)
	}
	return generator(out), nil
}
