package jinja

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var conversions = regexp.MustCompile(`%(?:\((\w*)\))?([-+ 0#]*)(\d*)(?:\.(\d+))?([a-zA-Z%])`)

// percent is Python's "..." % values, for the conversions s, r, d, i, f, g, e, x, o, c and %%.
func (f *frame) percent(format, values any) (any, error) {
	if _, ok := format.(markup); ok {
		return nil, fmt.Errorf("%% of escaped text is not supported")
	}
	list, named := []any{values}, (*Dict)(nil)
	if l, ok := values.(*List); ok && l.kind == isTuple {
		list = l.Items
	} else if d, ok := values.(*Dict); ok {
		named = d
	}
	used := 0
	var bad error
	s := plain(format)
	if rest := conversions.ReplaceAllString(s, ""); strings.Contains(rest, "%") {
		return nil, fmt.Errorf("a conversion of %q is not supported", s)
	}
	out := conversions.ReplaceAllStringFunc(s, func(m string) string {
		p := conversions.FindStringSubmatch(m)
		if p[5] == "%" {
			return "%"
		}
		var v any
		switch {
		case strings.HasPrefix(m, "%("):
			var ok bool
			if named == nil {
				bad = fmt.Errorf("%s needs a dict", m)
			} else if v, ok = named.Get(p[1]); !ok {
				bad = fmt.Errorf("%s names no key", m)
			}
			used = 1
		case used >= len(list):
			bad = fmt.Errorf("there are more conversions than values")
		default:
			v = list[used]
			used++
		}
		if bad != nil {
			return ""
		}
		one, err := converted(v, p[2], p[3], p[4], p[5])
		if err != nil {
			bad = err
		}
		return one
	})
	// Python lets a list or dict that no conversion uses pass.
	l, isL := values.(*List)
	if bad == nil && used < len(list) && (isL && l.kind == isTuple || isString(values) || !sequence(values)) {
		bad = fmt.Errorf("there are more values than conversions")
	}
	if bad != nil {
		return nil, bad
	}
	return out, f.spend(len(out))
}

func converted(v any, flags, width, precision, verb string) (string, error) {
	var s string
	var err error
	n, x, whole, isNumber := numeric(v)
	switch verb {
	case "s", "r", "a":
		if verb == "s" {
			s, err = str(v)
		} else {
			var b strings.Builder
			err = repr(&b, v)
			s = b.String()
		}
		if p, bad := strconv.Atoi(precision); bad == nil {
			if r := []rune(s); p < len(r) {
				s = string(r[:p])
			}
		}
		flags = strings.ReplaceAll(flags, "0", "")
	case "d", "i", "u":
		if !isNumber {
			return "", fmt.Errorf("%%%s takes a number, not %s", verb, typeName(v))
		}
		if !whole {
			n = int64(x)
		}
		s = strconv.FormatInt(n, 10)
	case "x", "o", "X":
		if !whole {
			return "", fmt.Errorf("%%%s takes a whole number, not %s", verb, typeName(v))
		}
		s = fmt.Sprintf("%"+strings.ReplaceAll(verb, "i", "d"), n)
	case "f", "F", "e", "g":
		if !isNumber {
			return "", fmt.Errorf("%%%s takes a number, not %s", verb, typeName(v))
		}
		if precision == "" {
			precision = "6"
		}
		s = fmt.Sprintf("%."+precision+strings.ToLower(verb), x)
	default:
		return "", fmt.Errorf("the conversion %%%s is not supported", verb)
	}
	if err != nil {
		return "", err
	}
	if strings.Contains(flags, "#") || precision != "" && strings.Contains("dix", verb) {
		return "", fmt.Errorf("the conversion %%%s%s%s is not supported", flags, width, verb)
	}
	if isNumber && verb != "s" && verb != "r" && s[0] != '-' {
		switch {
		case strings.Contains(flags, "+"):
			s = "+" + s
		case strings.Contains(flags, " "):
			s = " " + s
		}
	}
	w, _ := strconv.Atoi(width)
	if w > 10000 {
		return "", fmt.Errorf("a width of %d is not supported", w)
	}
	pad := w - utf8.RuneCountInString(s)
	switch {
	case pad <= 0:
	case strings.Contains(flags, "-"):
		s += strings.Repeat(" ", pad)
	case strings.Contains(flags, "0"):
		sign := len(s) - len(strings.TrimLeft(s, "+- "))
		s = s[:sign] + strings.Repeat("0", pad) + s[sign:]
	default:
		s = strings.Repeat(" ", pad) + s
	}
	return s, nil
}

// formatted is the filter format: "..."|format(values).
func formatted(f *frame, x any, a *args) (any, error) {
	if a.named.keys != nil {
		if len(a.list) > 0 {
			return nil, fmt.Errorf("it takes values with names or without, not both")
		}
		return f.percent(x, a.named)
	}
	return f.percent(x, tuple(a.list...))
}

var fields = regexp.MustCompile(`\{\{|\}\}|\{(\w*)\}`)

// braces is Python's str.format, for fields without attributes, conversions or layouts.
func braces(f *frame, s string, a *args) (any, error) {
	if strings.ContainsAny(fields.ReplaceAllString(s, ""), "{}") {
		return nil, fmt.Errorf("a field of %q is not supported; {}, {0} and {name} are", s)
	}
	next := 0
	var bad error
	out := fields.ReplaceAllStringFunc(s, func(m string) string {
		if m == "{{" || m == "}}" {
			return m[:1]
		}
		key := m[1 : len(m)-1]
		v, ok := a.named.Get(key)
		if i, err := strconv.Atoi(key); key == "" || err == nil {
			if key == "" {
				i = next
				next++
			}
			if ok = i < len(a.list); ok {
				v = a.list[i]
			}
		}
		if !ok {
			bad = fmt.Errorf("there is no value for %s", m)
			return ""
		}
		one, err := str(v)
		if err != nil {
			bad = err
		}
		return one
	})
	if bad != nil {
		return nil, bad
	}
	return out, f.spend(len(out))
}
