package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// value evaluates an expression.
func (f *frame) value(e expr) (any, error) {
	if err := f.enter(); err != nil {
		return nil, err
	}
	defer f.leave()
	return e.eval(f)
}

func (u undefined) err() error { return fmt.Errorf("%s is not defined", u.what) }

func (c constant) eval(*frame) (any, error) { return c.value, nil }

func (v variable) eval(f *frame) (any, error) { return f.lookup(v.name), nil }

func (f *frame) values(list []expr) ([]any, error) {
	out := make([]any, len(list))
	for i, e := range list {
		var err error
		if out[i], err = f.value(e); err != nil {
			return nil, err
		}
	}
	return out, f.spend(16 * len(list))
}

func (l listOf) eval(f *frame) (any, error) {
	items, err := f.values(l.items)
	return &List{Items: items}, err
}

func (t tupleOf) eval(f *frame) (any, error) {
	items, err := f.values(t.items)
	return tuple(items...), err
}

func (d dictOf) eval(f *frame) (any, error) {
	keys, err := f.values(d.keys)
	if err != nil {
		return nil, err
	}
	values, err := f.values(d.values)
	if err != nil {
		return nil, err
	}
	out := newDict()
	for i, k := range keys {
		if err := hashable(k); err != nil {
			return nil, err
		}
		out.Set(k, values[i])
	}
	return out, nil
}

func (c condition) eval(f *frame) (any, error) {
	x, err := f.value(c.test)
	switch {
	case err != nil:
		return nil, err
	case truth(x):
		return f.value(c.yes)
	case c.no == nil:
		return undefined{"the value of an if without else"}, nil
	}
	return f.value(c.no)
}

func (b boolean) eval(f *frame) (any, error) {
	x, err := f.value(b.left)
	if err != nil || truth(x) != b.and {
		return x, err
	}
	return f.value(b.right)
}

func (n notOf) eval(f *frame) (any, error) {
	x, err := f.value(n.x)
	return !truth(x), err
}

func (n negative) eval(f *frame) (any, error) {
	x, err := f.value(n.x)
	if err != nil {
		return nil, err
	}
	switch v := x.(type) {
	case undefined:
		return nil, v.err()
	case float64:
		return -v, nil
	}
	if _, _, _, ok := numeric(x); !ok {
		return nil, fmt.Errorf("%s has no negative", typeName(x))
	}
	return f.binary("-", int64(0), x)
}

func (p positive) eval(f *frame) (any, error) {
	x, err := f.value(p.x)
	if err != nil {
		return nil, err
	}
	if _, _, _, ok := numeric(x); !ok {
		return nil, fmt.Errorf("%s is no number", typeName(x))
	}
	return x, nil
}

func (c concat) eval(f *frame) (any, error) {
	items, err := f.values(c.items)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, x := range items {
		s, err := str(x)
		if err != nil {
			return nil, err
		}
		if err := f.spend(len(s)); err != nil {
			return nil, err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (c compare) eval(f *frame) (any, error) {
	left, err := f.value(c.first)
	for _, o := range c.rest {
		if err != nil {
			return nil, err
		}
		var right any
		if right, err = f.value(o.x); err != nil {
			return nil, err
		}
		var is bool
		if is, err = compared(o.op, left, right); err == nil && !is {
			return false, nil
		}
		left = right
	}
	return err == nil, err
}

func compared(op string, a, b any) (bool, error) {
	switch op {
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "in":
		return contains(b, a)
	case "not in":
		in, err := contains(b, a)
		return !in, err
	}
	for _, x := range []any{a, b} {
		if u, ok := x.(undefined); ok {
			return false, u.err()
		}
	}
	n, err := order(a, b)
	switch op {
	case "<":
		return n < 0, err
	case "<=":
		return n <= 0, err
	case ">":
		return n > 0, err
	}
	return n >= 0, err
}

func (a attribute) eval(f *frame) (any, error) {
	x, err := f.value(a.of)
	if err != nil {
		return nil, err
	}
	return attributeOf(x, a.name)
}

// attributeOf is x.name: a method, or else a key.
func attributeOf(x any, name string) (any, error) {
	if u, ok := x.(undefined); ok {
		return nil, u.err()
	}
	if n, ok := x.(*namespace); ok {
		return keyOr(&n.Dict, name)
	}
	if l, ok := x.(*loop); ok {
		return l.attribute(name)
	}
	if strings.HasPrefix(name, "_") {
		return nil, fmt.Errorf("%s: names that begin with _ are not for templates", name)
	}
	m, err := method(x, name)
	if m != nil || err != nil {
		return m, err
	}
	if d, ok := x.(*Dict); ok {
		return keyOr(d, name)
	}
	return undefined{fmt.Sprintf("%s of %s", name, typeName(x))}, nil
}

func keyOr(d *Dict, key any) (any, error) {
	if v, ok := d.Get(key); ok {
		return v, nil
	}
	return undefined{fmt.Sprintf("the key %v", key)}, nil
}

func (i item) eval(f *frame) (any, error) {
	x, err := f.value(i.of)
	if err != nil {
		return nil, err
	}
	if s, ok := i.key.(slice); ok {
		return s.of(f, x)
	}
	key, err := f.value(i.key)
	if err != nil {
		return nil, err
	}
	return itemOf(x, key)
}

// itemOf is x[key]: a key or place, or else a method.
func itemOf(x, key any) (any, error) {
	if u, ok := x.(undefined); ok {
		return nil, u.err()
	}
	n, _, whole, _ := numeric(key)
	switch c := x.(type) {
	case *Dict:
		if hashable(key) == nil {
			if v, ok := c.Get(key); ok {
				return v, nil
			}
		}
	case *List:
		if whole && c.indexed() {
			if i := place(n, len(c.Items)); i >= 0 {
				return c.Items[i], nil
			}
		}
	case string, markup:
		if whole {
			runes := []rune(plain(c))
			if i := place(n, len(runes)); i >= 0 {
				return string(runes[i]), nil
			}
		}
	}
	if isString(key) {
		return attributeOf(x, plain(key))
	}
	s, _ := str(key)
	return undefined{fmt.Sprintf("[%s] of %s", s, typeName(x))}, nil
}

// place is the place of index n in a list, from the end where n is negative; -1 where there is none.
func place(n int64, length int) int {
	if n < 0 {
		n += int64(length)
	}
	if n < 0 || n >= int64(length) {
		return -1
	}
	return int(n)
}

func (s slice) eval(*frame) (any, error) { return nil, fmt.Errorf("a slice stands alone") }

func (s slice) of(f *frame, x any) (any, error) {
	var bounds [3]*int64
	for i, e := range []expr{s.from, s.to, s.step} {
		if e == nil {
			continue
		}
		v, err := f.value(e)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		n, _, whole, _ := numeric(v)
		if !whole {
			return nil, fmt.Errorf("%s cannot bound a slice", typeName(v))
		}
		bounds[i] = &n
	}
	switch c := x.(type) {
	case string, markup:
		runes := []rune(plain(c))
		places, err := sliced(len(runes), bounds)
		out := make([]rune, len(places))
		for i, at := range places {
			out[i] = runes[at]
		}
		return string(out), err
	case *List:
		if c.kind != isGenerator && c.kind < isKeys {
			places, err := sliced(len(c.Items), bounds)
			out := make([]any, len(places))
			for i, at := range places {
				out[i] = c.Items[at]
			}
			return &List{Items: out, kind: c.kind}, err
		}
	case undefined:
		return nil, c.err()
	}
	return nil, fmt.Errorf("%s has no slices", typeName(x))
}

// sliced lists the places of Python's [from:to:step] in a list of n.
func sliced(n int, bounds [3]*int64) ([]int, error) {
	step := int64(1)
	if bounds[2] != nil {
		step = *bounds[2]
	}
	if step == 0 {
		return nil, fmt.Errorf("a slice has step 0")
	}
	lo, hi := int64(0), int64(n)
	if step < 0 {
		lo, hi = -1, int64(n)-1
	}
	bound := func(p *int64, absent int64) int64 {
		if p == nil {
			return absent
		}
		v := *p
		if v < 0 {
			v += int64(n)
		}
		return min(max(v, lo), hi)
	}
	from, to := bound(bounds[0], lo), bound(bounds[1], hi)
	if step < 0 {
		from, to = bound(bounds[0], hi), bound(bounds[1], lo)
	}
	var out []int
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		out = append(out, int(i))
		if step > int64(n) || -step > int64(n) {
			break
		}
	}
	return slices.Clip(out), nil
}
