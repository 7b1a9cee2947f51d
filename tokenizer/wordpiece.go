package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/nlpodyssey/gotokenizers/models/wordpiecemodel"
	"github.com/nlpodyssey/gotokenizers/vocabulary"
)

// WordPiece is BERT's tokenizer, for encoders of sentences (Devlin et al., arXiv 1810.04805; tokenizers' WordPiece). It is
// read-only and safe for concurrent use.
type WordPiece struct {
	normal     bertNormalizer
	lowerFirst bool
	special    matcher
	model      *wordpiecemodel.WordPieceModel
	size       int
	unk        int
	cls, sep   int
	maxLength  int
}

// Size is the number of ids: the rows that an embedding must have.
func (w *WordPiece) Size() int { return w.size }

// MaxLength is the most tokens that tokenizer_config.json allows, 0 where it does not say.
func (w *WordPiece) MaxLength() int { return w.maxLength }

// LowerFirst turns text into lower case before everything else, where the tokenizer itself does not: do_lower_case of
// sentence-transformers. It is for loading, before the first Encode.
func (w *WordPiece) LowerFirst() { w.lowerFirst = !w.normal.lower }

// Encode returns the ids of text between [CLS] and [SEP], at most most in all: the end is cut off, as in Hugging Face's
// truncation. Special tokens spelled out in text become those tokens. most must be at least 2.
func (w *WordPiece) Encode(text string, most int) ([]int, error) {
	ids := []int{w.cls}
	err := w.special.split(strings.ToValidUTF8(text, string(utf8.RuneError)), func(plain string) error {
		if w.lowerFirst {
			plain = bertLowered(plain)
		}
		for _, word := range bertWords(w.normal.normalize(plain)) {
			var err error
			if ids, err = w.appendWord(ids, word); err != nil {
				return err
			}
		}
		return nil
	}, func(id int) { ids = append(ids, id) })
	if err != nil {
		return nil, err
	}
	return append(ids[:min(len(ids), most-1)], w.sep), nil
}

// appendWord appends the ids of a word's pieces, the longest match first, from the left; or the id of [UNK] if some part
// has none.
func (w *WordPiece) appendWord(ids []int, word string) ([]int, error) {
	recoded, ok := recode(word)
	if !ok {
		return append(ids, w.unk), nil
	}
	tokens, err := w.model.Tokenize(recoded)
	if err != nil {
		return nil, fmt.Errorf("WordPiece of %.100q: %w", word, err)
	}
	for _, t := range tokens {
		ids = append(ids, t.ID)
	}
	return ids, nil
}

// firstOfPlane16 begins a plane of private use, as large as the plane of all characters of three bytes.
const firstOfPlane16 = 0x100000

// recode moves characters of three bytes in UTF-8 to plane 16, where they have four. gotokenizers' WordPiece has a fault
// with words that hold characters of three bytes: it cuts off the end by the wrong number of bytes. The vocabulary is
// recoded in the same way, so nothing else changes. ok is false where text holds plane 16 itself.
func recode(text string) (recoded string, ok bool) {
	ok = true
	return strings.Map(func(r rune) rune {
		switch {
		case r >= firstOfPlane16:
			ok = false
		case utf8.RuneLen(r) == 3:
			return r + firstOfPlane16
		}
		return r
	}, text), ok
}

// newWordPiece builds the tables of a vocabulary, whose ids are 0, 1, 2 and so on in order.
func newWordPiece(terms []string, unk string, maxChars int) (*WordPiece, error) {
	vocab := vocabulary.NewVocabulary()
	for id, term := range terms {
		recoded, ok := recode(term)
		if !ok {
			return nil, fmt.Errorf("token %d, %q, holds a private character, U+100000 or above, which no text can have", id, term)
		}
		vocab.AddTerm(recoded)
		if vocab.Size() != id+1 {
			return nil, fmt.Errorf("token %d, %q, is there twice", id, term)
		}
	}
	w := &WordPiece{model: wordpiecemodel.New(vocab, unk, "##", maxChars), size: len(terms)}
	var ok bool
	if w.unk, ok = vocab.GetID(unk); !ok {
		return nil, fmt.Errorf("the unknown token %q is not in the vocabulary", unk)
	}
	return w, nil
}
