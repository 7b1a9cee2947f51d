package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrUnknownID is what Decode's error wraps for an id that has no token.
var ErrUnknownID = errors.New("no such token id")

// Tokenizer is Qwen2's tokenizer with one checkpoint's vocabulary. Make it with
// Load or LoadFS. It is safe for concurrent use.
type Tokenizer struct {
	tokens []string       // by id, as the vocabulary writes them
	raw    []string       // by id, the bytes they stand for
	kind   []kind         // by id
	ids    map[string]int // of tokens

	bpe         bpe
	addedTokens map[int]addedToken // by id
	verbatim    matcher            // added tokens matched in the text as it is
	normalized  matcher            // added tokens matched after normalization
	named       map[string]string  // tokens by what tokenizer_config.json calls them: "image_token"
}

// kind says what an id is.
type kind uint8

const (
	absent  kind = iota // a hole in the numbering
	learned             // in the BPE vocabulary
	added               // an added token
	special             // an added token that is marked special
)

// Encode returns the ids of text: added tokens are taken out first, the rest is
// brought to Unicode form C, split into words and merged. Nothing is put before
// or after. Text that is not UTF-8 is an error that names the byte.
func (t *Tokenizer) Encode(text string) ([]int, error) {
	if i := invalidUTF8([]byte(text)); i >= 0 {
		return nil, fmt.Errorf("tokenizing: the text is not UTF-8 at byte %d (0x%02x); convert it to UTF-8", i, text[i])
	}
	ids := make([]int, 0, len(text)/3+1)
	token := func(id int) { ids = append(ids, id) }
	words := func(s string) error {
		return splitWords(s, func(word string) { ids = t.bpe.appendWord(ids, word) })
	}
	err := t.verbatim.split(text, func(s string) error {
		return t.normalized.split(nfc(s), words, token)
	}, token)
	if err != nil {
		return nil, fmt.Errorf("tokenizing: %w", err)
	}
	return ids, nil
}

// invalidUTF8 returns the position of the first byte that is not UTF-8, or -1.
func invalidUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// Decode returns exactly the bytes that ids stand for. They are not UTF-8 if the ids end within a character. An id without
// a token (negative, or in the padding of the model's vocabulary) is an error that wraps ErrUnknownID.
func (t *Tokenizer) Decode(ids []int) ([]byte, error) {
	var out []byte
	for i, id := range ids {
		if !t.known(id) {
			return nil, fmt.Errorf("decoding id %d at position %d: %w (the tokenizer has ids 0 to %d)", id, i, ErrUnknownID, len(t.raw)-1)
		}
		out = append(out, t.raw[id]...)
	}
	return out, nil
}

// DecodeLossy is Hugging Face's decode: ids without a token give nothing, and
// bytes that are not UTF-8 give U+FFFD.
func (t *Tokenizer) DecodeLossy(ids []int) string {
	s := t.Stream()
	var out strings.Builder
	for _, id := range ids {
		out.WriteString(s.Push(id))
	}
	out.WriteString(s.Flush())
	return out.String()
}

// Token returns id's token as the vocabulary writes it, a learned one in the
// byte-level alphabet ("Ġthe" for " the"), and whether there is one.
func (t *Tokenizer) Token(id int) (string, bool) {
	if !t.known(id) {
		return "", false
	}
	return t.tokens[id], true
}

// Bytes returns the bytes that id stands for and whether it has a token. They
// need not be whole characters.
func (t *Tokenizer) Bytes(id int) ([]byte, bool) {
	if !t.known(id) {
		return nil, false
	}
	return []byte(t.raw[id]), true
}

// ID returns the id of a token as Token writes it, and whether there is one.
func (t *Tokenizer) ID(token string) (int, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// IsSpecial reports whether id is an added token that is marked special, such
// as <|im_end|>.
func (t *Tokenizer) IsSpecial(id int) bool {
	return t.known(id) && t.kind[id] == special
}

// VocabSize is one more than the largest id. The model's vocabulary is padded
// beyond it.
func (t *Tokenizer) VocabSize() int { return len(t.raw) }

func (t *Tokenizer) known(id int) bool {
	return id >= 0 && id < len(t.kind) && t.kind[id] != absent
}
