package jinja

import (
	"fmt"
	"slices"
	"strings"
)

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
