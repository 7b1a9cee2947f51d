package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Stream decodes ids one at a time and never returns part of a character. It
// is for one goroutine.
type Stream struct {
	// SkipSpecial leaves special tokens out.
	SkipSpecial bool

	t    *Tokenizer
	held []byte // the beginning of a character, at most three bytes
}

// Stream starts a decoding.
func (t *Tokenizer) Stream() *Stream { return &Stream{t: t} }

// Push returns the text that id completes: all whole characters of the bytes held back and of its own. Bytes that cannot
// become UTF-8 give U+FFFD, one for each maximal part of a character; an id without a token gives nothing.
func (s *Stream) Push(id int) string {
	if !s.t.known(id) || s.SkipSpecial && s.t.kind[id] == special {
		return ""
	}
	s.held = append(s.held, s.t.raw[id]...)
	return s.take(false)
}

// Flush ends the text: bytes that are still held back give U+FFFD. The stream
// may be used again.
func (s *Stream) Flush() string { return s.take(true) }

// take removes the whole characters from the front of held, or everything.
func (s *Stream) take(all bool) string {
	var out strings.Builder
	b := s.held
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			if n = cut(b); n == len(b) && !all && !utf8.FullRune(b) {
				break
			}
		}
		out.WriteRune(r)
		b = b[n:]
	}
	s.held = append(s.held[:0], b...)
	return out.String()
}

// cut returns the length of the longest prefix of b that is the beginning of a character, at least 1. b does not start with
// a whole character.
func cut(b []byte) int {
	n := 1
	for n < len(b) && n < utf8.UTFMax && !utf8.FullRune(b[:n+1]) {
		n++
	}
	return n
}
