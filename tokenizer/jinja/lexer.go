package jinja

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	endOfFile kind = iota
	data
	blockBegin
	blockEnd
	variableBegin
	variableEnd
	name
	text // a string literal, its escapes read
	integer
	float
	operator
)

type token struct {
	kind kind
	text string
	line int
}

// String is the token as errors show it.
func (t token) String() string {
	switch t.kind {
	case endOfFile:
		return "the end of the template"
	case blockEnd:
		return "the end of the tag"
	case variableEnd:
		return "}}"
	}
	return fmt.Sprintf("%.40q", t.text)
}

// lexer follows Jinja's with trim_blocks and lstrip_blocks: a newline after a block or comment is dropped, and so is the
// space before one that begins its line. '-' strips more, '+' keeps all.
type lexer struct {
	source string
	at     int
	line   int
	fresh  bool // what came last ended with a newline, or nothing came
	tokens []token
}

var (
	rawBegin     = regexp.MustCompile(`^\{%[-+]?\s*raw\s*(-%\}\s*|%\})`)
	rawEnd       = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*(\+%\}|-%\}\s*|%\}\n?)`)
	commentEnd   = regexp.MustCompile(`\+#\}|-#\}\s*|#\}\n?`)
	blockEnds    = regexp.MustCompile(`^(\+%\}|-%\}\s*|%\}\n?)`)
	variableEnds = regexp.MustCompile(`^(-\}\}\s*|\}\})`)
	floats       = regexp.MustCompile(`^(\d+_)*\d+((\.(\d+_)*\d+)?[eE][+\-]?(\d+_)*\d+|\.(\d+_)*\d+)`)
	integers     = regexp.MustCompile(`^(0[bB](_?[0-1])+|0[oO](_?[0-7])+|0[xX](_?[\da-fA-F])+|[1-9](_?\d)*|0(_?0)*)`)
)

var twoSigns = []string{"//", "**", "==", "!=", ">=", "<="}

func lex(source string) ([]token, error) {
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	l := &lexer{source: strings.TrimSuffix(source, "\n"), line: 1, fresh: true}
	for l.at < len(l.source) {
		if err := l.root(); err != nil {
			return nil, err
		}
	}
	l.emit(endOfFile, "")
	return l.tokens, nil
}

func (l *lexer) emit(k kind, s string) { l.tokens = append(l.tokens, token{k, s, l.line}) }

// eat goes on by n bytes.
func (l *lexer) eat(n int) string {
	s := l.source[l.at : l.at+n]
	l.at += n
	l.line += strings.Count(s, "\n")
	if n > 0 {
		l.fresh = s[n-1] == '\n'
	}
	return s
}

// root reads text up to the next tag, and the tag.
func (l *lexer) root() error {
	rest := l.source[l.at:]
	next := -1
	for i := 0; i+1 < len(rest); i++ {
		if rest[i] == '{' && (rest[i+1] == '%' || rest[i+1] == '{' || rest[i+1] == '#') {
			next = i
			break
		}
	}
	if next < 0 {
		l.text(l.eat(len(rest)))
		return nil
	}
	tag := rest[next:]
	s, fresh := rest[:next], l.fresh
	sign := byte(0)
	if len(tag) > 2 {
		sign = tag[2]
	}
	switch {
	case sign == '-':
		s = strings.TrimRightFunc(s, isSpace)
	case sign != '+' && tag[1] != '{':
		if at := strings.LastIndexByte(s, '\n') + 1; at > 0 || fresh {
			if strings.TrimLeftFunc(s[at:], isSpace) == "" {
				s = s[:at]
			}
		}
	}
	l.text(s)
	l.eat(next)
	if m := rawBegin.FindString(tag); m != "" {
		return l.raw(m)
	}
	l.eat(2)
	if sign == '-' || sign == '+' {
		l.eat(1)
	}
	switch tag[1] {
	case '#':
		end := commentEnd.FindStringIndex(l.source[l.at:])
		if end == nil {
			return fmt.Errorf("line %d: a comment has no end", l.line)
		}
		l.eat(end[1])
		return nil
	case '%':
		l.emit(blockBegin, "{%")
		return l.expression(blockEnds, blockEnd)
	}
	l.emit(variableBegin, "{{")
	return l.expression(variableEnds, variableEnd)
}

func (l *lexer) text(s string) {
	if s != "" {
		l.emit(data, s)
	}
}

func (l *lexer) raw(begin string) error {
	l.eat(len(begin))
	rest := l.source[l.at:]
	m := rawEnd.FindStringSubmatchIndex(rest)
	if m == nil {
		return fmt.Errorf("line %d: raw has no endraw", l.line)
	}
	s := rest[:m[0]]
	switch rest[m[2]:m[3]] {
	case "-":
		s = strings.TrimRightFunc(s, isSpace)
	case "":
		if at := strings.LastIndexByte(s, '\n') + 1; (at > 0 || l.fresh) && strings.TrimLeftFunc(s[at:], isSpace) == "" {
			s = s[:at]
		}
	}
	l.text(s)
	l.eat(m[1])
	return nil
}

// expression reads the tokens of a tag up to its end. Inside brackets the end does not count.
func (l *lexer) expression(end *regexp.Regexp, is kind) error {
	var open []byte
	began := l.line
	for l.at < len(l.source) {
		rest := l.source[l.at:]
		c := rest[0]
		if len(open) == 0 && strings.IndexByte("+-%}", c) >= 0 {
			if m := end.FindString(rest); m != "" {
				l.emit(is, m)
				l.eat(len(m))
				return nil
			}
		}
		first, _ := utf8.DecodeRuneInString(rest)
		switch {
		case isSpace(first):
			l.eat(len(rest) - len(strings.TrimLeftFunc(rest, isSpace)))
		case c >= '0' && c <= '9':
			l.number(rest)
		case c == '_' || unicode.IsLetter(first) || unicode.Is(unicode.Nl, first):
			n := strings.IndexFunc(rest, func(r rune) bool { return !isNamePart(r) })
			if n < 0 {
				n = len(rest)
			}
			l.emit(name, l.eat(n))
		case c == '\'' || c == '"':
			n := quoted(rest)
			if n < 0 {
				return fmt.Errorf("line %d: a string has no end", l.line)
			}
			s, err := unescape(rest[1 : n-1])
			if err != nil {
				return fmt.Errorf("line %d: %w", l.line, err)
			}
			l.emit(text, s)
			l.eat(n)
		default:
			n := 0
			if len(rest) > 1 && slices.Contains(twoSigns, rest[:2]) {
				n = 2
			} else if strings.IndexByte("-+/*%~[](){}><=.:|,;", c) >= 0 {
				n = 1
			}
			if n == 0 {
				return fmt.Errorf("line %d: %q has no meaning here", l.line, first)
			}
			switch c {
			case '(', '[', '{':
				open = append(open, c)
			case ')', ']', '}':
				if len(open) == 0 || strings.IndexByte(")]}", c) != strings.IndexByte("([{", open[len(open)-1]) {
					return fmt.Errorf("line %d: %q closes nothing", l.line, c)
				}
				open = open[:len(open)-1]
			}
			l.emit(operator, l.eat(n))
		}
	}
	return fmt.Errorf("line %d: a tag has no end", began)
}

// number reads a literal of digits. After a dot it has no dot itself: a.1.2 is a, 1 and 2.
func (l *lexer) number(rest string) {
	if end := strings.IndexFunc(rest, func(r rune) bool { return !isNamePart(r) && !strings.ContainsRune(".+-", r) }); end > 0 {
		rest = rest[:end]
	}
	k, m := integer, integers.FindString(rest)
	if f := floats.FindString(rest); f != "" && (l.at == 0 || l.source[l.at-1] != '.') {
		k, m = float, f
	}
	l.emit(k, strings.ReplaceAll(l.eat(len(m)), "_", ""))
}

func isNamePart(r rune) bool {
	return r == '_' || unicode.In(r, unicode.Letter, unicode.Nl, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc)
}

// quoted is the length of the string literal that s begins with; -1 where it has no end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return -1
}
