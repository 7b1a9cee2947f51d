package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is one entry of added_tokens or added_tokens_decoder. The flags
// have Hugging Face's meaning.
type addedToken struct {
	ID         *int   `json:"id,omitempty"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// matcher finds added tokens in text, leftmost first, the longest of those.
type matcher struct {
	first [256][]match // by first byte, the longest first
	any   bool
}

// match is an added token with Hugging Face's flags. singleWord: it matches only where no letter, digit or mark touches
// it. lstrip, rstrip: the match includes the white space on that side.
type match struct {
	text                       string
	id                         int
	singleWord, lstrip, rstrip bool
}

func (m *matcher) add(text string, id int, a addedToken) {
	m.any = true
	list := append(m.first[text[0]], match{text, id, a.SingleWord, a.LStrip, a.RStrip})
	slices.SortStableFunc(list, func(a, b match) int { return len(b.text) - len(a.text) })
	m.first[text[0]] = list
}

// split calls token for each added token and plain for the text between them, in order. As in find_matches of the
// tokenizers crate, the search continues after the token itself, not after the white space that its match includes.
func (m *matcher) split(text string, plain func(string) error, token func(id int)) error {
	start := 0 // of the text that is in no match yet
	for i := 0; m.any && i < len(text); {
		a := m.at(text[i:])
		if a == nil {
			i++
			continue
		}
		from, to := i, i+len(a.text)
		i = to
		if a.singleWord && (endsInWord(text[:from]) || beginsWithWord(text[to:])) {
			continue
		}
		if a.lstrip {
			from = max(start, len(strings.TrimRightFunc(text[:from], unicode.IsSpace)))
		}
		if a.rstrip {
			to = len(text) - len(strings.TrimLeftFunc(text[to:], unicode.IsSpace))
		}
		if start < from {
			if err := plain(text[start:from]); err != nil {
				return err
			}
		}
		token(a.id)
		start = to
	}
	if start == len(text) {
		return nil
	}
	return plain(text[start:])
}

// at is the longest added token at the start of text, or nil.
func (m *matcher) at(text string) *match {
	list := m.first[text[0]]
	for k := range list {
		if strings.HasPrefix(text, list[k].text) {
			return &list[k]
		}
	}
	return nil
}

func endsInWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && wordRune(r)
}

func beginsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && wordRune(r)
}

// wordRune is \w of Rust's regular expressions: alphabetic characters, marks, decimal digits, connectors, and the two
// joiners.
func wordRune(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}
