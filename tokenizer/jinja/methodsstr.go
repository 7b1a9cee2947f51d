package jinja

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
)

type stringMethod = func(*frame, string, *args) (any, error)

// stringMethods are Python's methods of strings.
var stringMethods = map[string]stringMethod{}

func init() {
	for name, do := range map[string]func(string) any{
		"upper":      func(s string) any { return upper(s) },
		"lower":      func(s string) any { return lower(s) },
		"casefold":   func(s string) any { return cases.Fold().String(s) },
		"capitalize": func(s string) any { return capitalized(s) },
		"title":      func(s string) any { return title(s) },
		"swapcase":   func(s string) any { return swapCase(s) },
		"isalpha":    all(unicode.IsLetter),
		"isalnum":    all(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
		"isdecimal":  all(unicode.IsDigit),
		"isdigit":    all(unicode.IsDigit),
		"isnumeric":  all(unicode.IsNumber),
		"isspace":    all(isSpace),
		"isascii":    func(s string) any { return strings.IndexFunc(s, func(r rune) bool { return r > 0x7f }) < 0 },
		"islower":    func(s string) any { return cased(s, unicode.IsLower, unicode.IsUpper) },
		"isupper":    func(s string) any { return cased(s, unicode.IsUpper, unicode.IsLower) },
		"istitle":    func(s string) any { return isTitle(s) },
	} {
		stringMethods[name] = func(f *frame, s string, a *args) (any, error) {
			if _, err := a.bind(); err != nil {
				return nil, err
			}
			v := do(s)
			return v, f.spend(len(plain(v)))
		}
	}
	for name, ends := range map[string]ends{"strip": bothEnds, "lstrip": leftEnd, "rstrip": rightEnd} {
		stringMethods[name] = func(_ *frame, s string, a *args) (any, error) {
			v, err := a.bind("chars")
			if err == nil && !isMissing(v[0]) && v[0] != nil && !isString(v[0]) {
				err = fmt.Errorf("%s is no string", typeName(v[0]))
			}
			if err != nil {
				return nil, err
			}
			return strip(s, v[0], ends), nil
		}
	}
	for name, has := range map[string]func(s, part string) bool{"startswith": strings.HasPrefix, "endswith": strings.HasSuffix} {
		stringMethods[name] = func(_ *frame, s string, a *args) (any, error) { return anyOf(s, a, has) }
	}
	for name, fromRight := range map[string]bool{"split": false, "rsplit": true} {
		stringMethods[name] = func(f *frame, s string, a *args) (any, error) {
			v, err := a.bind("sep", "maxsplit")
			if err != nil {
				return nil, err
			}
			parts, err := split(s, v[0], v[1], fromRight)
			return stringList(parts), firstOf(err, f.spend(16*len(parts)))
		}
	}
	for name, find := range map[string]func(s, part string) int{"find": strings.Index, "index": strings.Index, "rfind": strings.LastIndex, "rindex": strings.LastIndex} {
		stringMethods[name] = func(_ *frame, s string, a *args) (any, error) {
			part, s, from, err := within(s, a)
			if err != nil {
				return nil, err
			}
			i := find(s, part)
			if i < 0 {
				if strings.HasSuffix(name, "index") {
					return nil, fmt.Errorf("%q is not in the string", part)
				}
				return int64(-1), nil
			}
			return int64(from + utf8.RuneCountInString(s[:i])), nil
		}
	}
	for name, fromRight := range map[string]bool{"partition": false, "rpartition": true} {
		stringMethods[name] = func(_ *frame, s string, a *args) (any, error) {
			by, err := oneString(a)
			if err != nil || by == "" {
				return nil, firstOf(err, fmt.Errorf("its separator is empty"))
			}
			i := strings.Index(s, by)
			if fromRight {
				i = strings.LastIndex(s, by)
			}
			switch {
			case i >= 0:
				return tuple(s[:i], by, s[i+len(by):]), nil
			case fromRight:
				return tuple("", "", s), nil
			}
			return tuple(s, "", ""), nil
		}
	}
	for name, side := range map[string]int{"ljust": -1, "rjust": 1, "center": 0} {
		stringMethods[name] = func(f *frame, s string, a *args) (any, error) { return justified(f, s, a, side) }
	}
	moreStringMethods()
}

func moreStringMethods() {
	stringMethods["removeprefix"] = func(_ *frame, s string, a *args) (any, error) {
		p, err := oneString(a)
		return strings.TrimPrefix(s, p), err
	}
	stringMethods["removesuffix"] = func(_ *frame, s string, a *args) (any, error) {
		p, err := oneString(a)
		return strings.TrimSuffix(s, p), err
	}
	stringMethods["replace"] = func(f *frame, s string, a *args) (any, error) {
		v, err := a.bind("old", "new", "count")
		if err != nil {
			return nil, err
		}
		if !isString(v[0]) || !isString(v[1]) {
			return nil, fmt.Errorf("it takes an old and a new string")
		}
		return replace(f, s, plain(v[0]), plain(v[1]), v[2])
	}
	stringMethods["count"] = func(_ *frame, s string, a *args) (any, error) {
		part, s, _, err := within(s, a)
		return int64(strings.Count(s, part)), err
	}
	stringMethods["splitlines"] = func(f *frame, s string, a *args) (any, error) {
		v, err := a.bind("keepends")
		if err != nil {
			return nil, err
		}
		lines := splitLines(s, !isMissing(v[0]) && truth(v[0]))
		return stringList(lines), f.spend(16 * len(lines))
	}
	stringMethods["join"] = func(f *frame, s string, a *args) (any, error) {
		v, err := a.bind("iterable")
		if err != nil {
			return nil, err
		}
		items, err := iterate(v[0])
		if err != nil {
			return nil, err
		}
		for i, x := range items {
			if !isString(x) {
				return nil, fmt.Errorf("value %d is %s, not a string", i, typeName(x))
			}
		}
		return joined(f, NewList(items...), &args{[]any{s}, newDict()})
	}
	stringMethods["zfill"] = func(f *frame, s string, a *args) (any, error) {
		v, err := a.bind("width")
		if err != nil {
			return nil, err
		}
		n, _, whole, _ := numeric(v[0])
		if !whole || n > 1<<20 {
			return nil, fmt.Errorf("its width is %s", typeName(v[0]))
		}
		sign := ""
		if s != "" && (s[0] == '-' || s[0] == '+') {
			sign, s = s[:1], s[1:]
		}
		pad := max(int(n)-len(sign)-utf8.RuneCountInString(s), 0)
		return sign + strings.Repeat("0", pad) + s, f.spend(pad + len(s))
	}
	stringMethods["format"] = braces
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func swapCase(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteString(lower(string(r)))
		case unicode.IsLower(r):
			b.WriteString(upper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func all(is func(rune) bool) func(string) any {
	return func(s string) any {
		return s != "" && strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0
	}
}

func oneString(a *args) (string, error) {
	v, err := a.bind("value")
	if err == nil && !isString(v[0]) {
		err = fmt.Errorf("it takes a string")
	}
	if err != nil {
		return "", err
	}
	return plain(v[0]), nil
}

// within reads (part, start, end): the part, and the piece of s in which to look for it.
func within(s string, a *args) (part, piece string, from int, err error) {
	v, err := a.bind("sub", "start", "end")
	if err == nil && !isString(v[0]) {
		err = fmt.Errorf("it looks for %s in a string", typeName(v[0]))
	}
	if err != nil {
		return "", "", 0, err
	}
	if isMissing(v[1]) && isMissing(v[2]) {
		return plain(v[0]), s, 0, nil
	}
	var bounds [3]*int64
	for i, x := range v[1:] {
		if n, _, whole, _ := numeric(x); whole {
			bounds[i] = &n
		}
	}
	runes := []rune(s)
	places, err := sliced(len(runes), bounds)
	if len(places) == 0 {
		return plain(v[0]), "", 0, err
	}
	return plain(v[0]), string(runes[places[0] : places[0]+len(places)]), places[0], err
}

// anyOf reports whether s has the part, or one of a tuple of them.
func anyOf(s string, a *args, has func(s, part string) bool) (any, error) {
	v, err := a.bind("part")
	if err != nil {
		return nil, err
	}
	parts := []any{v[0]}
	if l, ok := v[0].(*List); ok && l.kind == isTuple {
		parts = l.Items
	}
	for _, p := range parts {
		if !isString(p) {
			return nil, fmt.Errorf("%s is no string", typeName(p))
		}
		if has(s, plain(p)) {
			return true, nil
		}
	}
	return false, nil
}

func stringList(list []string) *List {
	l := NewList()
	for _, s := range list {
		l.Items = append(l.Items, s)
	}
	return l
}

func justified(f *frame, s string, a *args, side int) (any, error) {
	v, err := a.bind("width", "fillchar")
	if err != nil {
		return nil, err
	}
	n, _, whole, _ := numeric(v[0])
	fill := " "
	if !isMissing(v[1]) {
		fill = plain(v[1])
	}
	if !whole || n > 1<<20 || utf8.RuneCountInString(fill) != 1 {
		return nil, fmt.Errorf("it takes a width and one character")
	}
	pad := max(int(n)-utf8.RuneCountInString(s), 0)
	left := 0
	switch side {
	case 0: // Python's rounding
		left = pad/2 + pad&int(n)&1
	case 1:
		left = pad
	}
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, pad-left), f.spend(len(s) + pad*len(fill))
}
