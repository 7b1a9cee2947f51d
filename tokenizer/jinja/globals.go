package jinja

import "fmt"

// globals are the functions that transformers' environment has.
var globals = map[string]any{}

func init() {
	for name, call := range map[string]func(*frame, *args) (any, error){
		"range": rangeOf, "dict": dictionary, "namespace": newNamespace, "raise_exception": raise, "strftime_now": strftimeNow,
		"cycler": unsupported, "joiner": joiner, "lipsum": unsupported,
	} {
		globals[name] = &function{name, call}
	}
}

func unsupported(*frame, *args) (any, error) { return nil, fmt.Errorf("it is not supported") }

func rangeOf(f *frame, a *args) (any, error) {
	if a.named.keys != nil || len(a.list) < 1 || len(a.list) > 3 {
		return nil, fmt.Errorf("range takes one to three whole numbers")
	}
	n := [3]int64{0, 0, 1}
	for i, v := range a.list {
		m, _, whole, _ := numeric(v)
		if !whole {
			return nil, fmt.Errorf("range takes whole numbers, not %s", typeName(v))
		}
		n[i] = m
	}
	start, stop, step := n[0], n[1], n[2]
	if len(a.list) == 1 {
		start, stop = 0, n[0]
	}
	if step == 0 {
		return nil, fmt.Errorf("range has step 0")
	}
	list := &List{kind: isRange, text: fmt.Sprintf("range(%d, %d)", start, stop)}
	if step != 1 {
		list.text = fmt.Sprintf("range(%d, %d, %d)", start, stop, step)
	}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(list.Items) == maxRange {
			return nil, fmt.Errorf("range has more than %d numbers", maxRange)
		}
		list.Items = append(list.Items, i)
	}
	return list, f.spend(16 * len(list.Items))
}

// dictionary is Python's dict(...).
func dictionary(_ *frame, a *args) (any, error) {
	d := newDict()
	if len(a.list) > 1 {
		return nil, fmt.Errorf("dict takes one value without a name")
	}
	for _, from := range a.list {
		if m, ok := from.(*Dict); ok {
			for _, k := range m.keys {
				v, _ := m.Get(k)
				d.Set(k, v)
			}
			continue
		}
		items, err := iterate(from)
		if err != nil {
			return nil, err
		}
		for _, x := range items {
			pair, err := iterate(x)
			if err != nil || len(pair) != 2 {
				return nil, fmt.Errorf("dict takes pairs of a key and a value")
			}
			if err := hashable(pair[0]); err != nil {
				return nil, err
			}
			d.Set(pair[0], pair[1])
		}
	}
	for _, k := range a.named.keys {
		v, _ := a.named.Get(k)
		d.Set(k, v)
	}
	return d, nil
}

func newNamespace(f *frame, a *args) (any, error) {
	d, err := dictionary(f, a)
	if err != nil {
		return nil, err
	}
	n := &namespace{*d.(*Dict)}
	for _, k := range n.keys {
		if s := plain(k); s != "" && s[0] == '_' {
			return nil, fmt.Errorf("names that begin with _ are not for templates: %s", s)
		}
	}
	return n, nil
}

func raise(_ *frame, a *args) (any, error) {
	v, err := a.bind("message")
	if err != nil {
		return nil, err
	}
	s, err := str(v[0])
	if err != nil || s == "" {
		s = "no reason given"
	}
	return nil, refusal{s}
}

// joiner gives "" when it is first called, and its separator from then on.
func joiner(_ *frame, a *args) (any, error) {
	v, err := a.bind("sep")
	if err != nil {
		return nil, err
	}
	sep := any(", ")
	if !isMissing(v[0]) {
		sep = v[0]
	}
	used := false
	return &function{"joiner", func(*frame, *args) (any, error) {
		if !used {
			used = true
			return "", nil
		}
		return sep, nil
	}}, nil
}
