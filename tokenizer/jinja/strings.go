package jinja

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// upper and lower are Python's: by Unicode's full mappings, so that ß becomes SS.
func upper(s string) string { return cases.Upper(language.Und).String(s) }
func lower(s string) string { return cases.Lower(language.Und).String(s) }

// large is a character in title case.
func large(r rune) string { return cases.Title(language.Und).String(string(r)) }

func capitalized(s string) string {
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	return large(r) + lower(s[n:])
}

func isCased(r rune) bool { return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) }

// title puts the first of each run of letters in title case.
func title(s string) string {
	var b strings.Builder
	inside := false
	for _, r := range s {
		if inside {
			b.WriteString(lower(string(r)))
		} else {
			b.WriteString(large(r))
		}
		inside = isCased(r)
	}
	return b.String()
}

func isTitle(s string) bool {
	found, inside := false, false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			if inside {
				return false
			}
			found, inside = true, true
		case unicode.IsLower(r):
			if !inside {
				return false
			}
			found = true
		default:
			inside = false
		}
	}
	return found
}

// ends are the ends of a string that strip works on.
type ends int

const (
	leftEnd ends = 1 << iota
	rightEnd
	bothEnds = leftEnd | rightEnd
)

// strip takes characters off the ends: those of chars, or white space where chars is missing or None.
func strip(s string, chars any, of ends) string {
	cut := isSpace
	if !isMissing(chars) && chars != nil {
		set := plain(chars)
		cut = func(r rune) bool { return strings.ContainsRune(set, r) }
	}
	if of&leftEnd != 0 {
		s = strings.TrimLeftFunc(s, cut)
	}
	if of&rightEnd != 0 {
		s = strings.TrimRightFunc(s, cut)
	}
	return s
}

func replace(f *frame, s, old, with string, count any) (any, error) {
	n := int64(-1)
	if !isMissing(count) && count != nil {
		var whole bool
		if n, _, whole, _ = numeric(count); !whole {
			return nil, fmt.Errorf("its count is %s", typeName(count))
		}
	}
	if times := int64(strings.Count(s, old)); n < 0 || n > times {
		n = times
	}
	if err := f.spend(len(s)); err != nil {
		return nil, err
	}
	if grows := int64(len(with) - len(old)); grows > 0 {
		if n > maxSpent/max(grows, 1) {
			return nil, tooLong(maxSpent + 1)
		}
		if err := f.spend(int(n*grows) + len(s)); err != nil {
			return nil, err
		}
	}
	return strings.Replace(s, old, with, int(n)), nil
}

// split is str.split (and rsplit, from the right): at runs of white space where sep is missing or None.
func split(s string, sep, most any, fromRight bool) ([]string, error) {
	n := int64(-1)
	if !isMissing(most) {
		var whole bool
		if n, _, whole, _ = numeric(most); !whole {
			return nil, fmt.Errorf("its maxsplit is %s", typeName(most))
		}
	}
	if isMissing(sep) || sep == nil {
		return splitSpace(s, n, fromRight), nil
	}
	by := plain(sep)
	if !isString(sep) || by == "" {
		return nil, fmt.Errorf("its separator is no string, or empty")
	}
	if n < 0 || n > int64(len(s)) {
		n = int64(len(s))
	}
	if !fromRight {
		return strings.SplitN(s, by, int(n)+1), nil
	}
	var out []string
	for ; n > 0; n-- {
		i := strings.LastIndex(s, by)
		if i < 0 {
			break
		}
		out = append([]string{s[i+len(by):]}, out...)
		s = s[:i]
	}
	return append([]string{s}, out...), nil
}

func splitSpace(s string, n int64, fromRight bool) []string {
	words := strings.FieldsFunc(s, isSpace)
	if n < 0 || n >= int64(len(words)) {
		return words
	}
	var out []string
	if fromRight {
		s = strings.TrimRightFunc(s, isSpace)
		for ; n > 0; n-- {
			i := strings.LastIndexFunc(s, isSpace)
			_, word := s[:i], s[i:]
			out = append([]string{strings.TrimLeftFunc(word, isSpace)}, out...)
			s = strings.TrimRightFunc(s[:i], isSpace)
		}
		return append([]string{s}, out...)
	}
	s = strings.TrimLeftFunc(s, isSpace)
	for ; n > 0; n-- {
		i := strings.IndexFunc(s, isSpace)
		out = append(out, s[:i])
		s = strings.TrimLeftFunc(s[i:], isSpace)
	}
	return append(out, s)
}

// splitLines is str.splitlines: at every kind of line end that Python knows.
func splitLines(s string, keep bool) []string {
	var out []string
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool {
			return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
		})
		if i < 0 {
			return append(out, s)
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		end := i + n
		if s[i] == '\r' && strings.HasPrefix(s[end:], "\n") {
			end++
		}
		if keep {
			out = append(out, s[:end])
		} else {
			out = append(out, s[:i])
		}
		s = s[end:]
	}
	return out
}
