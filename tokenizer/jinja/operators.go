package jinja

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
)

func (a arithmetic) eval(f *frame) (any, error) {
	left, err := f.value(a.left)
	if err != nil {
		return nil, err
	}
	right, err := f.value(a.right)
	if err != nil {
		return nil, err
	}
	return f.binary(a.op, left, right)
}

func (f *frame) binary(op string, left, right any) (any, error) {
	if op == "%" && isString(left) {
		return f.percent(left, right)
	}
	for _, x := range []any{left, right} {
		if u, ok := x.(undefined); ok {
			return nil, u.err()
		}
	}
	m, x, mInt, ok := numeric(left)
	n, y, nInt, both := numeric(right)
	switch {
	case ok && both && mInt && nInt:
		return wholes(op, m, n)
	case ok && both:
		return floatsOf(op, x, y)
	case op == "+" && isString(left) && isString(right):
		return f.joined(left, right)
	case op == "*" && isString(left) && both && nInt:
		return f.repeat(left, n)
	case op == "*" && isString(right) && ok && mInt:
		return f.repeat(right, m)
	}
	if _, ok := right.(*List); ok && op == "*" && mInt {
		left, right, n, nInt, both = right, left, m, mInt, true
	}
	a, aList := left.(*List)
	b, bList := right.(*List)
	switch {
	case op == "+" && aList && bList && a.plain() && a.kind == b.kind:
		if err := f.spend(16 * (len(a.Items) + len(b.Items))); err != nil {
			return nil, err
		}
		return &List{Items: slices.Concat(a.Items, b.Items), kind: a.kind}, nil
	case op == "*" && nInt && aList && a.plain() && both && nInt:
		if n = max(n, 0); n > 0 && int64(len(a.Items)) > maxSpent/16/n {
			return nil, tooLong(maxSpent + 1)
		}
		if err := f.spend(16 * len(a.Items) * int(n)); err != nil {
			return nil, err
		}
		return &List{Items: slices.Repeat(a.Items, int(n)), kind: a.kind}, nil
	}
	return nil, fmt.Errorf("%s and %s have no %q between them", typeName(left), typeName(right), op)
}

// joined is left + right. Where one side is escaped for HTML, the other is escaped first, as Python's Markup does.
func (f *frame) joined(left, right any) (any, error) {
	if err := f.spend(len(plain(left)) + len(plain(right))); err != nil {
		return nil, err
	}
	_, l := left.(markup)
	_, r := right.(markup)
	if !l && !r {
		return plain(left) + plain(right), nil
	}
	return markup(escaped(left) + escaped(right)), nil
}

var escapes = strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;")

func escaped(v any) string {
	if m, ok := v.(markup); ok {
		return string(m)
	}
	return escapes.Replace(plain(v))
}

func (f *frame) repeat(s any, n int64) (any, error) {
	if _, ok := s.(markup); ok {
		return nil, fmt.Errorf("* of escaped text is not supported")
	}
	t := plain(s)
	n = max(n, 0)
	if n > 0 && int64(len(t)) > maxSpent/n {
		return nil, tooLong(maxSpent + 1)
	}
	if err := f.spend(len(t) * int(n)); err != nil {
		return nil, err
	}
	return strings.Repeat(t, int(n)), nil
}

var errOverflow = fmt.Errorf("a whole number is larger than is supported (64 bits)")

func wholes(op string, m, n int64) (any, error) {
	switch op {
	case "+":
		if s := m + n; (s > m) == (n > 0) {
			return s, nil
		}
		return nil, errOverflow
	case "-":
		if d := m - n; (d < m) == (n > 0) {
			return d, nil
		}
		return nil, errOverflow
	case "*":
		hi, lo := bits.Mul64(uint64(max(m, -m)), uint64(max(n, -n)))
		if hi != 0 || lo > math.MaxInt64 {
			return nil, errOverflow
		}
		return m * n, nil
	case "**":
		return wholePower(m, n)
	}
	if n == 0 {
		return nil, fmt.Errorf("division by zero")
	}
	switch op {
	case "/":
		return float64(m) / float64(n), nil
	case "//":
		q := m / n
		if m%n != 0 && (m < 0) != (n < 0) {
			q--
		}
		return q, nil
	}
	r := m % n
	if r != 0 && (r < 0) != (n < 0) {
		r += n
	}
	return r, nil
}

func wholePower(m, n int64) (any, error) {
	if n < 0 {
		return floatsOf("**", float64(m), float64(n))
	}
	switch {
	case m == -1:
		return 1 - 2*(n%2), nil
	case m == 0 || m == 1:
		if n == 0 {
			return int64(1), nil
		}
		return m, nil
	}
	out := any(int64(1))
	for ; n > 0; n-- { // at most 64 times, since |m| is 2 or more
		var err error
		if out, err = wholes("*", out.(int64), m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func floatsOf(op string, x, y float64) (any, error) {
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "**":
		if x == 0 && y < 0 {
			return nil, fmt.Errorf("0 cannot be raised to a negative power")
		}
		return math.Pow(x, y), nil
	}
	if y == 0 {
		return nil, fmt.Errorf("division by zero")
	}
	r := math.Mod(x, y)
	if r != 0 && (r < 0) != (y < 0) {
		r += y
	}
	switch op {
	case "/":
		return x / y, nil
	case "//":
		return math.Round((x - r) / y), nil
	}
	return r, nil
}

func equal(a, b any) bool {
	m, x, mInt, ok := numeric(a)
	n, y, nInt, both := numeric(b)
	if ok && both {
		if mInt && nInt {
			return m == n
		}
		return x == y
	}
	if isString(a) && isString(b) {
		return plain(a) == plain(b)
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	case *List:
		b, ok := b.(*List)
		return ok && (a == b || a.kind == b.kind && a.kind != isGenerator && slices.EqualFunc(a.Items, b.Items, equal))
	case *Dict:
		b, ok := b.(*Dict)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for h, v := range a.values {
			if w, ok := b.values[h]; !ok || !equal(v, w) {
				return false
			}
		}
		return true
	case *namespace, *loop, *function, *macro:
		return a == b
	}
	return false
}

// order is -1, 0 or 1 for values that have an order.
func order(a, b any) (int, error) {
	m, x, mInt, ok := numeric(a)
	n, y, nInt, both := numeric(b)
	switch {
	case ok && both && mInt && nInt:
		return cmpOf(m, n), nil
	case ok && both:
		return cmpOf(x, y), nil
	case isString(a) && isString(b):
		return strings.Compare(plain(a), plain(b)), nil
	}
	l, isL := a.(*List)
	r, isR := b.(*List)
	if isL && isR && l.plain() && l.kind == r.kind {
		for i := range min(len(l.Items), len(r.Items)) {
			if !equal(l.Items[i], r.Items[i]) {
				return order(l.Items[i], r.Items[i])
			}
		}
		return cmpOf(len(l.Items), len(r.Items)), nil
	}
	return 0, fmt.Errorf("%s and %s have no order", typeName(a), typeName(b))
}

func cmpOf[T int | int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func contains(in, x any) (bool, error) {
	switch c := in.(type) {
	case string, markup:
		if !isString(x) {
			return false, fmt.Errorf("%s cannot be looked for in a string", typeName(x))
		}
		return strings.Contains(plain(c), plain(x)), nil
	case *Dict:
		if l, ok := x.(*List); ok && l.kind == isRange {
			return false, nil
		}
		if err := hashable(x); err != nil {
			return false, err
		}
		_, ok := c.Get(x)
		return ok, nil
	case *List, undefined:
		items, err := iterate(in)
		return slices.ContainsFunc(items, func(y any) bool { return equal(x, y) }), err
	}
	return false, fmt.Errorf("%s holds nothing to look for", typeName(in))
}
