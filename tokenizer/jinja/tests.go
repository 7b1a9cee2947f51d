package jinja

import (
	"fmt"
	"strings"
	"unicode"
)

// tests are what may stand after "is". Those that Jinja knows by several names have them all.
var tests = map[string]func(*frame, any, *args) (bool, error){}

func init() {
	plainTest := func(is func(any) bool) func(*frame, any, *args) (bool, error) {
		return func(_ *frame, x any, a *args) (bool, error) {
			_, err := a.bind()
			return is(x), err
		}
	}
	withOne := func(is func(x, y any) (bool, error)) func(*frame, any, *args) (bool, error) {
		return func(_ *frame, x any, a *args) (bool, error) {
			v, err := a.bind("other")
			if err == nil && isMissing(v[0]) {
				err = fmt.Errorf("its argument is missing")
			}
			if err != nil {
				return false, err
			}
			return is(x, v[0])
		}
	}
	for names, is := range map[string]func(any) bool{
		"defined":   func(x any) bool { _, ok := x.(undefined); return !ok },
		"undefined": func(x any) bool { _, ok := x.(undefined); return ok },
		"none":      func(x any) bool { return x == nil },
		"boolean":   func(x any) bool { _, ok := x.(bool); return ok },
		"true":      func(x any) bool { return x == true },
		"false":     func(x any) bool { return x == false },
		"integer":   func(x any) bool { _, ok := x.(int64); return ok },
		"float":     func(x any) bool { _, ok := x.(float64); return ok },
		"number":    func(x any) bool { _, _, _, ok := numeric(x); return ok },
		"string":    isString,
		"mapping":   func(x any) bool { _, ok := x.(*Dict); return ok },
		"escaped":   func(x any) bool { _, ok := x.(markup); return ok },
		"iterable":  iterable,
		"sequence":  sequence,
		"callable":  callable,
	} {
		tests[names] = plainTest(is)
	}
	for names, op := range map[string]string{
		"== eq equalto": "==", "!= ne": "!=", "< lt lessthan": "<", "<= le": "<=", "> gt greaterthan": ">", ">= ge": ">=", "in": "in",
	} {
		for _, n := range strings.Fields(names) {
			tests[n] = withOne(func(x, y any) (bool, error) { return compared(op, x, y) })
		}
	}
	tests["sameas"] = withOne(func(x, y any) (bool, error) { return typeName(x) == typeName(y) && equal(x, y), nil })
	for n, is := range map[string][2]func(rune) bool{"lower": {unicode.IsLower, unicode.IsUpper}, "upper": {unicode.IsUpper, unicode.IsLower}} {
		tests[n] = func(_ *frame, x any, _ *args) (bool, error) {
			s, err := str(x)
			return cased(s, is[0], is[1]), err
		}
	}
	tests["divisibleby"] = func(f *frame, x any, a *args) (bool, error) {
		v, err := a.bind("num")
		if err != nil || isMissing(v[0]) {
			return false, firstOf(err, fmt.Errorf("its number is missing"))
		}
		return remainder(f, x, v[0], 0)
	}
	tests["even"] = func(f *frame, x any, _ *args) (bool, error) { return remainder(f, x, int64(2), 0) }
	tests["odd"] = func(f *frame, x any, _ *args) (bool, error) { return remainder(f, x, int64(2), 1) }
	tests["filter"] = func(_ *frame, x any, _ *args) (bool, error) { return filters[plain(x)] != nil, nil }
	tests["test"] = func(_ *frame, x any, _ *args) (bool, error) { return tests[plain(x)] != nil, nil }
}

func remainder(f *frame, x, y any, want int64) (bool, error) {
	r, err := f.binary("%", x, y)
	return equal(r, want), err
}

func iterable(x any) bool {
	switch x.(type) {
	case *List, *Dict, string, markup, undefined, *loop:
		return true
	}
	return false
}

func sequence(x any) bool {
	switch v := x.(type) {
	case *List:
		return v.indexed()
	case *Dict, string, markup, undefined:
		return true
	}
	return false
}

func callable(x any) bool {
	switch x.(type) {
	case *function, *macro, undefined, *loop:
		return true
	}
	return false
}

// cased reports whether a string has letters of one case and none of the other, as Python's islower and isupper.
func cased(s string, is, other func(rune) bool) bool {
	return strings.ContainsFunc(s, is) && !strings.ContainsFunc(s, func(r rune) bool { return other(r) || unicode.IsTitle(r) })
}
