package tokenizer

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// bertNormalizer is Hugging Face's BertNormalizer (tokenizers, bert.rs), whose steps go in this order.
//
// gotokenizers has one too, but it strips accents without decomposing first. And it takes classes of characters from Go's
// unicode package, whose later versions count unassigned characters as controls.
type bertNormalizer struct {
	clean   bool // remove controls, turn white space into spaces
	chinese bool // put spaces around Chinese characters
	accents bool // strip accents
	lower   bool
}

func (n bertNormalizer) normalize(text string) string {
	if n.clean || n.chinese {
		var b strings.Builder
		for _, r := range text {
			switch {
			case n.clean && (r == '\t' || r == '\n' || r == '\r'): // they are controls too, but separate words
				b.WriteByte(' ')
			case n.clean && unicode.Is(bertRemoved, r):
			case n.clean && unicode.IsSpace(r):
				b.WriteByte(' ')
			case n.chinese && unicode.Is(bertChinese, r):
				b.WriteByte(' ')
				b.WriteRune(r)
				b.WriteByte(' ')
			default:
				b.WriteRune(r)
			}
		}
		text = b.String()
	}
	if n.accents {
		text = strings.Map(func(r rune) rune {
			if unicode.Is(bertMarks, r) {
				return -1
			}
			return r
		}, bertDecomposed(text))
	}
	if n.lower {
		text = bertLowered(text)
	}
	return text
}

// newComposite is the one character whose decomposition is newer than the reference's tables, which are of Unicode 12.
const newComposite = "\U00011938"

// bertDecomposed returns text in Unicode normalization form D of Unicode 12; see nfc for long runs of marks.
func bertDecomposed(text string) string {
	parts := strings.Split(text, newComposite)
	for i, p := range parts {
		if hasLongRun(p) {
			parts[i] = string(decompose(p))
		} else {
			parts[i] = norm.NFD.String(p)
		}
	}
	return strings.Join(parts, newComposite)
}

// bertLowered is text in lower case, character by character, as Rust's char::to_lowercase: a final sigma is an ordinary
// sigma, and the dotted capital I keeps its dot.
func bertLowered(text string) string {
	text = strings.ReplaceAll(text, "İ", "i\u0307")
	return strings.Map(func(r rune) rune {
		for _, run := range bertLower {
			if r >= run.lo && r <= run.hi {
				return r + run.add
			}
		}
		return unicode.ToLower(r)
	}, text)
}

// bertWords splits normalized text as Hugging Face's BertPreTokenizer does: at white space, which is dropped, and around
// every punctuation character, which is a word of its own.
func bertWords(text string) []string {
	var words []string
	start := 0
	cut := func(end int) {
		if start < end {
			words = append(words, text[start:end])
		}
	}
	for i, r := range text {
		space, mark := unicode.IsSpace(r), unicode.Is(bertPunctuation, r)
		if !space && !mark {
			continue
		}
		cut(i)
		start = i + len(string(r))
		if mark {
			words = append(words, text[i:start])
		}
	}
	cut(len(text))
	return words
}
