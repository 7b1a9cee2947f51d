package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The merging of long words gives what gotokenizers gives, on words of letters
// that merge much.
func TestMergeLongEqualsMerge(t *testing.T) {
	tok := tiny(t)
	r := rand.New(rand.NewPCG(1, 2))
	for _, alphabet := range []string{"a", "ab", "the wors", "漢字", "abcdefghijklmnopqrstuvwxyz \n", "\x00\xff\xe6a"} {
		for n := 1; n < 400; n += 1 + r.IntN(9) {
			word := make([]byte, n)
			for i := range word {
				word[i] = alphabet[r.IntN(len(alphabet))]
			}
			checkMerge(t, &tok.bpe, string(word))
		}
	}
}

func TestMergeLongEqualsMergePublished(t *testing.T) {
	tok := published(t)
	text := strings.ReplaceAll("the appraiser looks through a glass 画家 and sees international characterization ", " ", "")
	for n := 1; n < 300; n += 7 {
		checkMerge(t, &tok.bpe, strings.Repeat(text, 5)[n%5:n+5])
		checkMerge(t, &tok.bpe, strings.Repeat("a", n))
		checkMerge(t, &tok.bpe, strings.Repeat("-=", n))
	}
}

func checkMerge(t *testing.T, b *bpe, word string) {
	t.Helper()
	want := b.merge(nil, word)
	if got := b.mergeLong(nil, word); !slices.Equal(got, want) {
		t.Fatalf("mergeLong(%q) = %v, want %v", word, got, want)
	}
	for range 2 { // the second time from the cache
		if got := b.appendWord([]int{7}, word); got[0] != 7 || !slices.Equal(got[1:], want) {
			t.Fatalf("appendWord(%q) = %v, want 7, then %v", word, got, want)
		}
	}
}

func TestCacheStartsAfresh(t *testing.T) {
	tok := tiny(t)
	tok.bpe.cache = make(map[string][]int32, cacheWords)
	for i := range cacheWords {
		tok.bpe.cache[string(rune(i+0x20000))] = nil
	}
	checkMerge(t, &tok.bpe, "the")
	if n := len(tok.bpe.cache); n != 1 {
		t.Errorf("%d words in the cache, want 1", n)
	}
}
