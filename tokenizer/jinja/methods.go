package jinja

import (
	"fmt"
	"slices"
)

// method is the method of a value by that name; nil where it has none.
func method(x any, name string) (any, error) {
	switch v := x.(type) {
	case string:
		if m, ok := stringMethods[name]; ok {
			return &function{"." + name, func(f *frame, a *args) (any, error) { return m(f, v, a) }}, nil
		}
		if slices.Contains([]string{"encode", "expandtabs", "format_map", "isidentifier", "isprintable", "maketrans", "translate"}, name) {
			return nil, fmt.Errorf("the method %s of strings is not supported", name)
		}
	case markup:
		if _, ok := stringMethods[name]; ok {
			return nil, fmt.Errorf("the method %s of escaped text is not supported", name)
		}
	case *List:
		if v.indexed() {
			return v.method(name)
		}
	case *Dict:
		return v.method(name)
	}
	return nil, nil
}

// refused are the methods that change a value: Jinja's sandbox has none of them.
var refused = map[string]bool{}

func init() {
	for _, n := range []string{"append", "extend", "insert", "pop", "remove", "reverse", "sort", "clear", "update", "setdefault", "popitem"} {
		refused[n] = true
	}
}

func (l *List) method(name string) (any, error) {
	switch {
	case name == "index" || name == "count":
		return &function{"." + name, func(_ *frame, a *args) (any, error) {
			if len(a.list) != 1 {
				return nil, fmt.Errorf("it takes one value")
			}
			n := 0
			for i, x := range l.Items {
				if equal(x, a.list[0]) {
					if name == "index" {
						return int64(i), nil
					}
					n++
				}
			}
			if name == "index" {
				return nil, fmt.Errorf("the value is not in the list")
			}
			return int64(n), nil
		}}, nil
	case l.kind == isList && name == "copy":
		return &function{".copy", func(*frame, *args) (any, error) { return NewList(slices.Clone(l.Items)...), nil }}, nil
	case l.kind == isList && refused[name]:
		return nil, fmt.Errorf("the method %s changes a list, which Jinja's sandbox does not allow", name)
	}
	return nil, nil
}

func (d *Dict) method(name string) (any, error) {
	var call func(*frame, *args) (any, error)
	none := func(make func() any) func(*frame, *args) (any, error) {
		return func(_ *frame, a *args) (any, error) {
			_, err := a.bind()
			return make(), err
		}
	}
	switch name {
	case "items":
		call = none(func() any { return &List{Items: d.items(), kind: isItems} })
	case "keys":
		call = none(func() any { return &List{Items: slices.Clone(d.keys), kind: isKeys} })
	case "values":
		call = none(func() any {
			out := make([]any, len(d.keys))
			for i, k := range d.keys {
				out[i], _ = d.Get(k)
			}
			return &List{Items: out, kind: isValues}
		})
	case "get":
		call = func(_ *frame, a *args) (any, error) {
			v, err := a.bind("key", "default")
			if err != nil {
				return nil, err
			}
			if err := hashable(v[0]); err != nil {
				return nil, err
			}
			x, ok := d.Get(v[0])
			switch {
			case ok:
				return x, nil
			case isMissing(v[1]):
				return nil, nil
			}
			return v[1], nil
		}
	case "copy":
		call = func(f *frame, _ *args) (any, error) { return dictionary(f, &args{[]any{d}, newDict()}) }
	default:
		if refused[name] && slices.Contains([]string{"pop", "clear", "update", "setdefault", "popitem"}, name) {
			return nil, fmt.Errorf("the method %s changes a dict, which Jinja's sandbox does not allow", name)
		}
		return nil, nil
	}
	return &function{"." + name, call}, nil
}
