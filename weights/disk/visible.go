package disk

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible is a file's name, or a text from a file, as it can be printed to people. Characters that move a terminal's
// cursor, color it, end a line or change the direction of writing are escaped as Go and Python do: "\x1b", "\n", "\u202e".
// So are bytes that are not UTF-8. All else, backslashes too, stays.
func Visible(s string) string { return visible(s, "") }

// VisibleLines is Visible of a text of several lines, whose line ends and tabs stay.
func VisibleLines(s string) string { return visible(s, "\n\t") }

func visible(s, but string) string {
	if strings.IndexFunc(s, func(r rune) bool { return hides(r) && !strings.ContainsRune(but, r) }) < 0 && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&out, `\x%02x`, s[0])
		case !hides(r) || strings.ContainsRune(but, r):
			out.WriteString(s[:n])
		default:
			out.WriteString(escaped(r))
		}
		s = s[n:]
	}
	return out.String()
}

// hides reports whether a character is invisible and changes how others are shown.
func hides(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029': // the line and paragraph separators
		return true
	case r == '\u061c', r == '\u200e', r == '\u200f', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069': // directions of writing
		return true
	}
	return false
}

func escaped(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
