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

// sortKey is the key by which Jinja compares: without regard to case by default.
func sortKey(x any, sensitive bool) any {
	if isString(x) && !sensitive {
		return lower(plain(x))
	}
	return x
}

func sortBy(items []any, key func(any) (any, error), back bool) ([]any, error) {
	type pair struct{ key, value any }
	pairs := make([]pair, len(items))
	for i, x := range items {
		k, err := key(x)
		if err != nil {
			return nil, err
		}
		pairs[i] = pair{k, x}
	}
	var bad error
	slices.SortStableFunc(pairs, func(a, b pair) int {
		n, err := order(a.key, b.key)
		if err != nil {
			bad = err
		}
		if back {
			return -n
		}
		return n
	})
	out := make([]any, len(items))
	for i, p := range pairs {
		out[i] = p.value
	}
	return out, bad
}

func sorted(_ *frame, x any, a *args) (any, error) {
	items, v, err := listArgs(x, a, "reverse", "case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	if isString(v[2]) && strings.Contains(plain(v[2]), ",") {
		return nil, fmt.Errorf("several attributes are not supported")
	}
	items, err = sortBy(items, keyOf(v[2], v[1]), !isMissing(v[0]) && truth(v[0]))
	return NewList(items...), err
}

// keyOf is what values are compared by: themselves or an attribute.
func keyOf(attribute, sensitive any) func(any) (any, error) {
	return func(x any) (any, error) {
		x, err := byAttribute(x, attribute)
		if err != nil {
			return nil, err
		}
		return sortKey(x, !isMissing(sensitive) && truth(sensitive)), nil
	}
}

func dictSort(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("case_sensitive", "by", "reverse")
	if err != nil {
		return nil, err
	}
	d, ok := x.(*Dict)
	if !ok {
		return nil, fmt.Errorf("%s is no dict", typeName(x))
	}
	by := 0
	if !isMissing(v[1]) && plain(v[1]) == "value" {
		by = 1
	}
	items, err := sortBy(d.items(), func(x any) (any, error) {
		return sortKey(x.(*List).Items[by], !isMissing(v[0]) && truth(v[0])), nil
	}, !isMissing(v[2]) && truth(v[2]))
	return NewList(items...), err
}

func reversed(_ *frame, x any, a *args) (any, error) {
	if _, ok := x.(markup); ok {
		return nil, fmt.Errorf("escaped text is not supported here")
	}
	items, err := iterate(x)
	if err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	if isString(x) {
		var b strings.Builder
		for _, r := range items {
			b.WriteString(plain(r))
		}
		return b.String(), nil
	}
	return generator(items), nil
}

func unique(_ *frame, x any, a *args) (any, error) {
	items, v, err := listArgs(x, a, "case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	seen := map[any]bool{}
	var out []any
	for _, x := range items {
		k, err := keyOf(v[1], v[0])(x)
		if err == nil {
			err = hashable(k)
		}
		if err != nil {
			return nil, err
		}
		if !seen[hash(k)] {
			seen[hash(k)] = true
			out = append(out, x)
		}
	}
	return generator(out), nil
}

func extreme(sign int) filterFunc {
	return func(_ *frame, x any, a *args) (any, error) {
		items, v, err := listArgs(x, a, "case_sensitive", "attribute")
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return undefined{"the largest or smallest of nothing"}, nil
		}
		key := keyOf(v[1], v[0])
		best := items[0]
		for _, x := range items[1:] {
			a, err := key(x)
			if err != nil {
				return nil, err
			}
			b, err := key(best)
			if err != nil {
				return nil, err
			}
			n, err := order(a, b)
			if err != nil {
				return nil, err
			}
			if n*sign > 0 {
				best = x
			}
		}
		return best, nil
	}
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

// rest is what is left of the arguments after the first ones.
func rest(a *args, from int) *args {
	return &args{a.list[min(from, len(a.list)):], a.named}
}

func mapped(f *frame, x any, a *args) (any, error) {
	if !truth(x) {
		return generator(nil), nil
	}
	items, err := iterate(x)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	if len(a.list) == 0 {
		v, err := a.bind("attribute", "default")
		if err != nil {
			return nil, err
		}
		for i, x := range items {
			if out[i], err = path(x, v[0]); err != nil {
				return nil, err
			}
			if _, gone := out[i].(undefined); gone && !isMissing(v[1]) {
				out[i] = v[1]
			}
		}
		return generator(out), nil
	}
	run := filters[plain(a.list[0])]
	if run == nil {
		return nil, fmt.Errorf("the filter %q is not supported", plain(a.list[0]))
	}
	for i, x := range items {
		if err := f.enter(); err != nil {
			return nil, err
		}
		out[i], err = run(f, x, rest(a, 1))
		f.leave()
		if err != nil {
			return nil, err
		}
	}
	return generator(out), nil
}

// What selected tests: an item, or an attribute of it that the first argument names.
const (
	byItself = iota
	byItsAttribute
)

// selected keeps the items for which a test is true, or those for which it is not. by is also the number of arguments before
// the test's name.
func selected(keep bool, by int) filterFunc {
	return func(f *frame, x any, a *args) (any, error) {
		if !truth(x) {
			return generator(nil), nil
		}
		items, err := iterate(x)
		if err != nil {
			return nil, err
		}
		if len(a.list) < by {
			return nil, fmt.Errorf("it takes the name of an attribute")
		}
		is := func(_ *frame, x any, _ *args) (bool, error) { return truth(x), nil }
		if len(a.list) > by {
			name := plain(a.list[by])
			if is = tests[name]; is == nil {
				return nil, fmt.Errorf("the test %q is not supported", name)
			}
		}
		var out []any
		for _, x := range items {
			y := x
			if by == byItsAttribute {
				if y, err = path(x, a.list[0]); err != nil {
					return nil, err
				}
			}
			if err := f.enter(); err != nil {
				return nil, err
			}
			f.leave()
			yes, err := is(f, y, rest(a, by+1))
			if err != nil {
				return nil, err
			}
			if yes == keep {
				out = append(out, x)
			}
		}
		return generator(out), nil
	}
}
