package weights

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// fields reads checked values out of a parsed JSON object. The first thing that
// is wrong is kept in err, named by file and key; later reads return zeros, so
// that a reader reads top to bottom and looks once. null counts as absent.
type fields struct {
	file   string
	prefix string // of keys in messages: "", "vision_config."
	obj    object
	err    *error    // shared by the scopes of one file
	notes  *[]string // likewise: what a reader of the file should be told though it is no error
	read   map[string]bool
}

func newFields(file string, obj object) *fields {
	return tracked(&fields{file: file, obj: obj, err: new(error), notes: new([]string), read: map[string]bool{}})
}

// track is told of every object that is read; the test that walks all keys sets it.
var track func(*fields)

func tracked(f *fields) *fields {
	if track != nil {
		track(f)
	}
	return f
}

// scope reads the object under key with the same error; an absent one is empty.
func (f *fields) scope(key string) *fields {
	f.read[key] = true
	sub, ok := f.obj[key].(object)
	if !ok && f.obj[key] != nil {
		f.fail(key, "is %s, not an object", kindOf(f.obj[key]))
	}
	return tracked(&fields{file: f.file, prefix: f.prefix + key + ".", obj: sub, err: f.err, notes: f.notes, read: map[string]bool{}})
}

// note remembers a sentence about a key for the user.
func (f *fields) note(key, format string, a ...any) {
	*f.notes = append(*f.notes, fmt.Sprintf("%s: %s%s %s", f.file, f.prefix, key, fmt.Sprintf(format, a...)))
}

// integerOf is integerOr, which tells that the value is the class's.
func (f *fields) integerOf(key string, lo, hi, class int) int {
	if !f.has(key) {
		f.note(key, "is missing; the default of the class, %d, is used", class)
	}
	return f.integerOr(key, lo, hi, class)
}

// numberOf is numberOr, which tells that the value is the class's.
func (f *fields) numberOf(key string, lo, hi, class float64) float64 {
	if !f.has(key) {
		f.note(key, "is missing; the default of the class, %g, is used", class)
	}
	return f.numberOr(key, lo, hi, class)
}

func (f *fields) fail(key, format string, a ...any) {
	if *f.err == nil {
		*f.err = fmt.Errorf("%s: %s%s %s", f.file, f.prefix, key, fmt.Sprintf(format, a...))
	}
}

// value is the value under key, which counts as read; nil where absent.
func (f *fields) value(key string) any {
	f.read[key] = true
	return f.obj[key]
}

func (f *fields) has(key string) bool { return f.obj[key] != nil }

// need is value, and an error where it is absent.
func (f *fields) need(key string) any {
	v := f.value(key)
	if v == nil {
		f.fail(key, "is missing; the model cannot be built without it")
	}
	return v
}

// integer is the whole number under key, within lo..hi.
func (f *fields) integer(key string, lo, hi int) int {
	return f.toInteger(key, f.need(key), lo, hi)
}

// integerOr is integer with a value for an absent key.
func (f *fields) integerOr(key string, lo, hi, absent int) int {
	if !f.has(key) {
		f.read[key] = true
		return absent
	}
	return f.integer(key, lo, hi)
}

func (f *fields) toInteger(key string, v any, lo, hi int) int {
	if v == nil {
		return 0
	}
	num, ok := v.(json.Number)
	if !ok {
		f.fail(key, "is %s, not a number", kindOf(v))
		return 0
	}
	n, err := strconv.ParseInt(num.String(), 10, 64)
	if err != nil { // 4.0 and 1e3 are whole numbers too
		x, ferr := num.Float64()
		if ferr != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			f.fail(key, "is %.40s, not a whole number (%s)", num, span(lo, hi))
			return 0
		}
		n = int64(x)
	}
	if n < int64(lo) || n > int64(hi) {
		f.fail(key, "is %d; it must be %s", n, span(lo, hi))
		return 0
	}
	return int(n)
}

// number is the number under key, within lo..hi.
func (f *fields) number(key string, lo, hi float64) float64 {
	v := f.need(key)
	if v == nil {
		return 0
	}
	return f.toNumber(key, v, lo, hi)
}

// numberOr is number with a value for an absent key.
func (f *fields) numberOr(key string, lo, hi, absent float64) float64 {
	if !f.has(key) {
		f.read[key] = true
		return absent
	}
	return f.number(key, lo, hi)
}

func (f *fields) toNumber(key string, v any, lo, hi float64) float64 {
	num, ok := v.(json.Number)
	if !ok {
		f.fail(key, "is %s, not a number", kindOf(v))
		return 0
	}
	x, err := num.Float64()
	if err != nil || !(x >= lo && x <= hi) {
		f.fail(key, "is %.40s; it must be %g to %g", num, lo, hi)
		return 0
	}
	return x
}

// boolOr is the boolean under key, or a value for an absent key.
func (f *fields) boolOr(key string, absent bool) bool {
	v := f.value(key)
	if v == nil {
		return absent
	}
	b, ok := v.(bool)
	if !ok {
		f.fail(key, "is %s, not true or false", kindOf(v))
	}
	return b
}

// text is the string under key, which must be one of want; none means any.
func (f *fields) text(key string, want ...string) string {
	v := f.need(key)
	if v == nil {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		f.fail(key, "is %s, not a string", kindOf(v))
	} else if len(want) > 0 && !slices.Contains(want, s) {
		f.fail(key, "is %.80q; loupe knows %s", s, quoted(want))
	}
	return s
}

// textOr is text with a value for an absent key.
func (f *fields) textOr(key, absent string, want ...string) string {
	if !f.has(key) {
		f.read[key] = true
		return absent
	}
	return f.text(key, want...)
}

// list is the array under key, of lo..hi items.
func (f *fields) list(key string, lo, hi int) []any {
	v := f.need(key)
	if v == nil {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		f.fail(key, "is %s, not an array", kindOf(v))
		return nil
	}
	if len(l) < lo || len(l) > hi {
		f.fail(key, "has %d items; it must have %s", len(l), span(lo, hi))
		return nil
	}
	return l
}

// integers is an array of lo..hi whole numbers within from..to.
func (f *fields) integers(key string, lo, hi, from, to int) []int {
	l := f.list(key, lo, hi)
	out := make([]int, len(l))
	for i, v := range l {
		if v == nil {
			f.fail(key, "holds null")
		}
		out[i] = f.toInteger(key, v, from, to)
	}
	return out
}

// ids is a token id or an array of them; nil where absent.
func (f *fields) ids(key string, to int) []int {
	switch v := f.value(key).(type) {
	case nil:
		return nil
	case []any:
		return f.integers(key, 1, 1024, 0, to)
	default:
		return []int{f.toInteger(key, v, 0, to)}
	}
}

// span writes bounds: "1 to 1024", or "3" where only one value is allowed.
func span(lo, hi int) string {
	if lo == hi {
		return strconv.Itoa(lo)
	}
	return fmt.Sprintf("%d to %d", lo, hi)
}

// quoted lists strings for a message: "a", "b".
func quoted(list []string) string {
	s := ""
	for i, x := range list {
		if i > 0 {
			s += ", "
		}
		s += strconv.Quote(x)
	}
	return s
}
