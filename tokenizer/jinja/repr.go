package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// str is Python's str of a value.
func str(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case markup:
		return string(v), nil
	case undefined:
		return "", nil
	}
	var b strings.Builder
	err := repr(&b, v)
	return b.String(), err
}

// repr writes Python's repr of a value.
func repr(b *strings.Builder, v any) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(floatRepr(v))
	case string:
		stringRepr(b, v)
	case undefined:
		b.WriteString("Undefined")
	case *List:
		return v.repr(b)
	case *Dict:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := repr(b, k); err != nil {
				return err
			}
			b.WriteString(": ")
			if err := repr(b, v.values[hash(k)]); err != nil {
				return err
			}
			if err := tooLong(b.Len()); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	default:
		return fmt.Errorf("%s cannot be written as text", typeName(v))
	}
	return nil
}

func (l *List) repr(b *strings.Builder) error {
	left, right := "[", "]"
	switch l.kind {
	case isList:
	case isTuple:
		left, right = "(", ")"
		if len(l.Items) == 1 {
			right = ",)"
		}
	case isRange:
		if l.text == "" {
			return fmt.Errorf("a slice of a range cannot be written as text")
		}
		b.WriteString(l.text)
		return nil
	case isGenerator:
		return fmt.Errorf("a generator cannot be written as text; the template lacks |list")
	default:
		left, right = listNames[l.kind]+"([", "])"
	}
	b.WriteString(left)
	for i, x := range l.Items {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := repr(b, x); err != nil {
			return err
		}
		if err := tooLong(b.Len()); err != nil {
			return err
		}
	}
	b.WriteString(right)
	return nil
}

// floatRepr is Python's repr of a float: the shortest digits that give it back.
func floatRepr(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	e := strconv.FormatFloat(f, 'e', -1, 64)
	if exp, err := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:]); err == nil && f != 0 && (exp < -4 || exp >= 16) {
		return e
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// stringRepr is Python's repr of a string: in single quotes, unless it holds those and no double quotes.
func stringRepr(b *strings.Builder, s string) {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			fmt.Fprintf(b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
}
