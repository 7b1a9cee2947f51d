package tokenizer

import (
	"slices"
	"strings"
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

type match struct {
	text string
	id   int
}

func (m *matcher) add(text string, id int) {
	m.any = true
	list := append(m.first[text[0]], match{text, id})
	slices.SortStableFunc(list, func(a, b match) int { return len(b.text) - len(a.text) })
	m.first[text[0]] = list
}

// split calls plain for the text between added tokens, never with none, and
// token for each added token, in order.
func (m *matcher) split(text string, plain func(string) error, token func(id int)) error {
	start := 0
	if m.any {
		for i := 0; i < len(text); i++ {
			for _, a := range m.first[text[i]] {
				if !strings.HasPrefix(text[i:], a.text) {
					continue
				}
				if start < i {
					if err := plain(text[start:i]); err != nil {
						return err
					}
				}
				token(a.id)
				start = i + len(a.text)
				i = start - 1
				break
			}
		}
	}
	if start == len(text) {
		return nil
	}
	return plain(text[start:])
}
