package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

type filterFunc = func(*frame, any, *args) (any, error)

// filters are what may stand after |.
var filters = map[string]filterFunc{}

func init() {
	for names, run := range map[string]filterFunc{
		"tojson": toJSON, "string": toString, "int": toInt, "float": toFloat, "abs": absolute, "round": rounded,
		"default d": orDefault, "length count": lengthOf, "attr": attributeFilter,
		"trim": trimmed, "replace": replaced, "indent": indented, "format": formatted, "truncate": truncated, "center": centered, "wordcount": words,
		"upper": viaMethod("upper"), "lower": viaMethod("lower"), "capitalize": viaMethod("capitalize"), "title": titled,
		"e escape": escapeFilter, "forceescape": forceEscape, "safe": safe,
		"first": first, "last": last, "list": toList, "join": joined, "items": itemsOf, "dictsort": dictSort, "reverse": reversed, "sort": sorted,
		"unique": unique, "min": extreme(-1), "max": extreme(1), "sum": sum, "batch": batch, "slice": columns, "map": mapped,
		"select": selected(true, byItself), "reject": selected(false, byItself), "selectattr": selected(true, byItsAttribute), "rejectattr": selected(false, byItsAttribute),
	} {
		for _, n := range strings.Fields(names) {
			filters[n] = run
		}
	}
}

// textOf is the text of a filter's value, as Jinja's soft_str makes it: undefined is "".
func textOf(x any) (string, error) { return str(x) }

func toString(_ *frame, x any, a *args) (any, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	if _, ok := x.(markup); ok {
		return x, nil
	}
	return str(x)
}

// viaMethod is a filter that is a method of strings.
func viaMethod(name string) filterFunc {
	return func(f *frame, x any, a *args) (any, error) {
		if _, ok := x.(markup); ok {
			return nil, fmt.Errorf("escaped text is not supported here")
		}
		s, err := textOf(x)
		if err != nil {
			return nil, err
		}
		return stringMethods[name](f, s, a)
	}
}

// titled is Jinja's own title, in which words begin after space, hyphens and opening brackets.
func titled(_ *frame, x any, a *args) (any, error) {
	s, err := textOf(x)
	if err != nil {
		return nil, err
	}
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	var b strings.Builder
	begin := true
	for _, r := range s {
		if begin {
			b.WriteString(large(r))
		} else {
			b.WriteString(lower(string(r)))
		}
		begin = isSpace(r) || strings.ContainsRune("-({[<", r)
	}
	return b.String(), nil
}

func toInt(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("default", "base")
	if err != nil {
		return nil, err
	}
	fallback := any(int64(0))
	if !isMissing(v[0]) {
		fallback = v[0]
	}
	base := 10
	if !isMissing(v[1]) {
		n, _, _, _ := numeric(v[1])
		base = int(n)
	}
	if isString(x) {
		s := strings.ReplaceAll(strings.TrimFunc(plain(x), isSpace), "_", "")
		if base != 10 {
			s = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(s), "0x"), "0b"), "0o")
		}
		if n, err := strconv.ParseInt(s, base, 64); err == nil {
			return n, nil
		}
		if x, err = pythonFloat(plain(x)); err != nil {
			return fallback, nil
		}
	}
	n, fl, whole, ok := numeric(x)
	switch {
	case !ok || !whole && (math.IsNaN(fl) || math.IsInf(fl, 0)):
		return fallback, nil
	case whole:
		return n, nil
	case math.Abs(fl) >= 1<<63:
		return nil, errOverflow
	}
	return int64(fl), nil
}

func pythonFloat(s string) (any, error) {
	s = strings.TrimFunc(s, isSpace)
	if strings.ContainsAny(s, "xXpP") {
		return nil, fmt.Errorf("it is no number")
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err
}

func toFloat(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("default")
	if err != nil {
		return nil, err
	}
	if isString(x) {
		if n, err := pythonFloat(plain(x)); err == nil {
			return n, nil
		}
	} else if _, f, _, ok := numeric(x); ok {
		return f, nil
	}
	if isMissing(v[0]) {
		return 0.0, nil
	}
	return v[0], nil
}

func absolute(f *frame, x any, a *args) (any, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	n, fl, whole, ok := numeric(x)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s is no number", typeName(x))
	case !whole:
		return math.Abs(fl), nil
	case n < 0:
		return wholes("-", 0, n)
	}
	return n, nil
}

// rounded is Jinja's round. Its method common rounds halves to even, as Python does, and gives a float.
func rounded(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("precision", "method")
	if err != nil {
		return nil, err
	}
	digits := int64(0)
	if !isMissing(v[0]) {
		digits, _, _, _ = numeric(v[0])
	}
	n, f, whole, ok := numeric(x)
	if !ok || digits < 0 || digits > 15 {
		return nil, fmt.Errorf("%s cannot be rounded to %d digits", typeName(x), digits)
	}
	way := "common"
	if !isMissing(v[1]) {
		way = plain(v[1])
	}
	p := math.Pow(10, float64(digits))
	switch way {
	case "common":
		if whole {
			return n, nil
		}
		return strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(digits), 64), 64)
	case "ceil":
		return math.Ceil(f*p) / p, nil
	case "floor":
		return math.Floor(f*p) / p, nil
	}
	return nil, fmt.Errorf("its method %q is not common, ceil or floor", way)
}

func orDefault(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("default_value", "boolean")
	if err != nil {
		return nil, err
	}
	_, gone := x.(undefined)
	if !gone && (isMissing(v[1]) || !truth(v[1]) || truth(x)) {
		return x, nil
	}
	if isMissing(v[0]) {
		return "", nil
	}
	return v[0], nil
}

func lengthOf(_ *frame, x any, a *args) (any, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	n, err := length(x)
	return int64(n), err
}

func attributeFilter(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("name")
	if err != nil {
		return nil, err
	}
	if _, ok := x.(*Dict); ok { // Python's getattr knows no keys
		m, err := method(x, plain(v[0]))
		if m == nil && err == nil {
			m = undefined{plain(v[0]) + " of a dict"}
		}
		return m, err
	}
	return attributeOf(x, plain(v[0]))
}

func trimmed(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("chars")
	if err != nil {
		return nil, err
	}
	s, err := textOf(x)
	if err != nil {
		return nil, err
	}
	out := strip(s, v[0], bothEnds)
	if _, ok := x.(markup); ok {
		return markup(out), nil
	}
	return out, nil
}

func replaced(f *frame, x any, a *args) (any, error) {
	if _, ok := x.(markup); ok {
		return nil, fmt.Errorf("escaped text is not supported here")
	}
	v, err := a.bind("old", "new", "count")
	if err != nil {
		return nil, err
	}
	s, err := textOf(x)
	if err != nil {
		return nil, err
	}
	for i, p := range v[:2] {
		if isMissing(p) {
			return nil, fmt.Errorf("it takes an old and a new text")
		}
		if v[i], err = str(p); err != nil {
			return nil, err
		}
	}
	return replace(f, s, v[0].(string), v[1].(string), v[2])
}

func indented(f *frame, x any, a *args) (any, error) {
	v, err := a.bind("width", "first", "blank")
	if err != nil {
		return nil, err
	}
	if !isString(x) {
		return nil, fmt.Errorf("%s is no string", typeName(x))
	}
	s, by := plain(x), "    "
	if isString(v[0]) {
		by = plain(v[0])
	} else if n, _, whole, _ := numeric(v[0]); whole {
		if n > 1000 {
			return nil, fmt.Errorf("its width is %d", n)
		}
		by = strings.Repeat(" ", int(max(n, 0)))
	}
	lines := strings.Split(s+"\n", "\n")
	lines = lines[:len(lines)-1]
	for i, line := range lines {
		if i == 0 && (isMissing(v[1]) || !truth(v[1])) || i > 0 && line == "" && (isMissing(v[2]) || !truth(v[2])) {
			continue
		}
		lines[i] = by + line
	}
	out := strings.Join(lines, "\n")
	return out, f.spend(len(out))
}

func truncated(_ *frame, x any, a *args) (any, error) {
	v, err := a.bind("length", "killwords", "end", "leeway")
	if err != nil {
		return nil, err
	}
	limit, leeway, end := int64(255), int64(5), "..."
	if !isMissing(v[0]) {
		limit, _, _, _ = numeric(v[0])
	}
	if !isMissing(v[2]) {
		end = plain(v[2])
	}
	if !isMissing(v[3]) && v[3] != nil {
		leeway, _, _, _ = numeric(v[3])
	}
	if n, err := length(x); err != nil || int64(n) <= limit+leeway {
		return x, err
	}
	if !isString(x) {
		return nil, fmt.Errorf("%s is no string", typeName(x))
	}
	runes := []rune(plain(x))
	if limit < int64(len([]rune(end))) {
		return nil, fmt.Errorf("its length is less than its end has")
	}
	cut := string(runes[:limit-int64(len([]rune(end)))])
	if !isMissing(v[1]) && truth(v[1]) {
		return cut + end, nil
	}
	if i := strings.LastIndexByte(cut, ' '); i >= 0 {
		cut = cut[:i]
	}
	return cut + end, nil
}

func centered(f *frame, x any, a *args) (any, error) {
	v, err := a.bind("width")
	if err != nil {
		return nil, err
	}
	if isMissing(v[0]) {
		v[0] = int64(80)
	}
	s, err := textOf(x)
	if err != nil {
		return nil, err
	}
	return stringMethods["center"](f, s, &args{list: v, named: newDict()})
}

// words counts runs of letters, digits and underscores.
func words(_ *frame, x any, a *args) (any, error) {
	s, err := textOf(x)
	if err != nil {
		return nil, err
	}
	return int64(len(strings.FieldsFunc(s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r) }))), nil
}

func escapeFilter(_ *frame, x any, a *args) (any, error) {
	if m, ok := x.(markup); ok {
		return m, nil
	}
	return forceEscape(nil, x, a)
}

func forceEscape(_ *frame, x any, _ *args) (any, error) {
	s, err := textOf(x)
	return markup(escapes.Replace(s)), err
}

func safe(_ *frame, x any, _ *args) (any, error) {
	s, err := textOf(x)
	return markup(s), err
}
