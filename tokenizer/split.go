package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// splitPattern is Qwen2's pre-tokenizing pattern as tokenizer.json writes it.
const splitPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// The reference runs the pattern with Oniguruma and Unicode 16; regexp2 runs it
// with Go's tables, which are older, and folds case one way only. These are the
// letters and numbers that Go lacks.
const (
	newerLetters = "\u1C89\u1C8A\uA7CB-\uA7CD\uA7DA-\uA7DC\U000105C0-\U000105F3\U00010D4A-\U00010D65" +
		"\U00010D6F-\U00010D85\U00010EC2-\U00010EC4\U00011380-\U00011389\U0001138B\U0001138E" +
		"\U00011390-\U000113B5\U000113B7\U000113D1\U000113D3\U00011BC0-\U00011BE0\U00013460-\U000143FA" +
		"\U00016100-\U0001611D\U00016D40-\U00016D6C\U00018CFF\U0001E5D0-\U0001E5ED\U0001E5F0\U0002EBF0-\U0002EE5D"
	newerNumbers = "\U00010D40-\U00010D49\U000116D0-\U000116E3\U00011BF0-\U00011BF9\U00016130-\U00016139" +
		"\U00016D70-\U00016D79\U0001CCF0-\U0001CCF9\U0001E5F1-\U0001E5FA"
)

// splitter is splitPattern with those characters, and with the long s, which folds to s. Its time is linear in the text:
// each alternative that backtracks (\s*[\r\n]+, \s+(?!\S)) does so once for a match that covers the characters given back.
// It is safe for concurrent use.
var splitter = regexp2.MustCompile(strings.NewReplacer(
	`'s|`, `'[sſ]|`,
	`[^\r\n\p{L}\p{N}]`, `[^\r\n\p{L}\p{N}`+newerLetters+newerNumbers+`]`,
	`[^\s\p{L}\p{N}]`, `[^\s\p{L}\p{N}`+newerLetters+newerNumbers+`]`,
	`\p{L}+`, `[\p{L}`+newerLetters+`]+`,
	`|\p{N}|`, `|[\p{N}`+newerNumbers+`]|`,
).Replace(splitPattern), regexp2.None)

// splitWords calls yield for each piece of text, in order. BPE does not merge across pieces. Joined, the pieces are text.
func splitWords(text string, yield func(word string)) error {
	m, err := splitter.FindStringMatch(text)
	for ; m != nil && err == nil; m, err = splitter.FindNextMatch(m) {
		end := 0
		for range m.Length { // regexp2 counts characters
			_, n := utf8.DecodeRuneInString(text[end:])
			end += n
		}
		yield(text[:end])
		text = text[end:]
	}
	if err != nil {
		return fmt.Errorf("splitting text: %w", err)
	}
	return nil
}
