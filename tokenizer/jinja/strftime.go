package jinja

import (
	"fmt"
	"strings"
	"time"
)

// strftimeNow is transformers' strftime_now: the time in the format of C's strftime, with the names of its C locale.
func strftimeNow(f *frame, a *args) (any, error) {
	v, err := a.bind("format")
	if err != nil {
		return nil, err
	}
	if !isString(v[0]) {
		return nil, fmt.Errorf("its format is no string")
	}
	return strftime(f.options.Now(), plain(v[0]))
}

var timeLayouts = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'B': "January", 'b': "Jan", 'h': "Jan", 'd': "02", 'e': "_2", 'A': "Monday", 'a': "Mon",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'j': "002",
	'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06", 'x': "01/02/06", 'X': "15:04:05", 'c': "Mon Jan _2 15:04:05 2006", 'r': "03:04:05 PM",
}

func strftime(t time.Time, format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		bare := format[i] == '-' && i+1 < len(format) // %-d: without zeros in front
		if bare {
			i++
		}
		s := ""
		switch c := format[i]; c {
		case '%':
			s = "%"
		case 'n':
			s = "\n"
		case 't':
			s = "\t"
		case 'f':
			s = fmt.Sprintf("%06d", t.Nanosecond()/1000)
		case 's':
			s = fmt.Sprint(t.Unix())
		case 'w':
			s = fmt.Sprint(int(t.Weekday()))
		case 'u':
			s = fmt.Sprint((int(t.Weekday())+6)%7 + 1)
		case 'z', 'Z': // Python's now() knows no zone
		default:
			layout, ok := timeLayouts[c]
			if !ok {
				return "", fmt.Errorf("the directive %%%c of a time is not supported", c)
			}
			s = t.Format(layout)
		}
		if bare {
			if s = strings.TrimLeft(s, "0 "); s == "" {
				s = "0"
			}
		}
		b.WriteString(s)
	}
	return b.String(), nil
}
