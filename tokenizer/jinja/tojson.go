package jinja

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf16"
)

// dumper writes Python's json.dumps, by which transformers' tojson works: no escapes of HTML, characters as they are.
type dumper struct {
	b           strings.Builder
	ascii, sort bool
	indent      string
	pretty      bool
	item, key   string // separators
}

func toJSON(f *frame, x any, a *args) (any, error) {
	v, err := a.bind("ensure_ascii", "indent", "separators", "sort_keys")
	if err != nil {
		return nil, err
	}
	d := &dumper{item: ", ", key: ": "}
	d.ascii = !isMissing(v[0]) && truth(v[0])
	d.sort = !isMissing(v[3]) && truth(v[3])
	if !isMissing(v[1]) && v[1] != nil {
		d.pretty, d.item = true, ","
		if n, _, whole, _ := numeric(v[1]); whole {
			if n > 100 {
				return nil, fmt.Errorf("indent is %d", n)
			}
			d.indent = strings.Repeat(" ", int(max(n, 0)))
		} else if d.indent = plain(v[1]); !isString(v[1]) {
			return nil, fmt.Errorf("indent is %s", typeName(v[1]))
		}
	}
	if !isMissing(v[2]) && v[2] != nil {
		s, err := iterate(v[2])
		if err != nil || len(s) != 2 || !isString(s[0]) || !isString(s[1]) {
			return nil, fmt.Errorf("separators are no pair of strings")
		}
		d.item, d.key = plain(s[0]), plain(s[1])
	}
	if err := d.value(x, 0); err != nil {
		return nil, err
	}
	return d.b.String(), f.spend(d.b.Len())
}

func (d *dumper) value(x any, depth int) error {
	if err := tooLong(d.b.Len()); err != nil {
		return err
	}
	switch v := x.(type) {
	case nil:
		d.b.WriteString("null")
	case bool:
		fmt.Fprint(&d.b, v)
	case int64:
		fmt.Fprint(&d.b, v)
	case float64:
		d.b.WriteString(jsonFloat(v))
	case string, markup:
		d.text(plain(v))
	case *List:
		if !v.plain() {
			return fmt.Errorf("a %s cannot be written as JSON; the template lacks |list", listNames[v.kind])
		}
		return d.sequence("[", "]", len(v.Items), depth, func(i int) error { return d.value(v.Items[i], depth+1) })
	case *Dict:
		keys := v.keys
		if d.sort {
			var err error
			keys = slices.Clone(keys)
			slices.SortStableFunc(keys, func(a, b any) int {
				n, e := order(a, b)
				if e != nil {
					err = e
				}
				return n
			})
			if err != nil {
				return err
			}
		}
		return d.sequence("{", "}", len(keys), depth, func(i int) error {
			if err := d.dictKey(keys[i]); err != nil {
				return err
			}
			d.b.WriteString(d.key)
			x, _ := v.Get(keys[i])
			return d.value(x, depth+1)
		})
	default:
		return fmt.Errorf("%s cannot be written as JSON", typeName(x))
	}
	return nil
}

func (d *dumper) dictKey(k any) error {
	switch k := k.(type) {
	case string, markup:
		d.text(plain(k))
	case nil:
		d.b.WriteString(`"null"`)
	case bool, int64:
		fmt.Fprintf(&d.b, `"%v"`, k)
	case float64:
		d.b.WriteString(`"` + jsonFloat(k) + `"`)
	}
	return nil
}

func (d *dumper) sequence(left, right string, n, depth int, one func(int) error) error {
	d.b.WriteString(left)
	for i := range n {
		if i > 0 {
			d.b.WriteString(d.item)
		}
		if d.pretty {
			d.b.WriteString("\n" + strings.Repeat(d.indent, depth+1))
		}
		if err := one(i); err != nil {
			return err
		}
	}
	if d.pretty && n > 0 {
		d.b.WriteString("\n" + strings.Repeat(d.indent, depth))
	}
	d.b.WriteString(right)
	return nil
}

func (d *dumper) text(s string) {
	d.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			d.b.WriteByte('\\')
			d.b.WriteRune(r)
		case r == '\n':
			d.b.WriteString(`\n`)
		case r == '\r':
			d.b.WriteString(`\r`)
		case r == '\t':
			d.b.WriteString(`\t`)
		case r == '\b':
			d.b.WriteString(`\b`)
		case r == '\f':
			d.b.WriteString(`\f`)
		case r < 0x20:
			fmt.Fprintf(&d.b, `\u%04x`, r)
		case d.ascii && r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&d.b, `\u%04x\u%04x`, hi, lo)
		case d.ascii && r > 0x7e:
			fmt.Fprintf(&d.b, `\u%04x`, r)
		default:
			d.b.WriteRune(r)
		}
	}
	d.b.WriteByte('"')
}

func jsonFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return floatRepr(f)
}
