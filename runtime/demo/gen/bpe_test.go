package main

import (
	"slices"
	"strings"
	"testing"
)

func TestAlphabet(t *testing.T) {
	chars, ids := alphabet()
	for b, want := range map[byte]rune{'!': '!', 'z': 'z', 0: 'Ā', '\n': 'Ċ', ' ': 'Ġ', 0x7f: 'ġ', 0xad: 'Ń', 0xff: 'ÿ'} {
		if chars[b] != want {
			t.Errorf("byte %#x is written %q, want %q", b, chars[b], want)
		}
	}
	if len(ids) != 256 || ids['!'] != 0 || ids['Ń'] != 255 {
		t.Errorf("%d characters, ! has id %d and Ń %d; want 256, 0 and 255", len(ids), ids['!'], ids['Ń'])
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"The sky's blue.", []string{"The", " sky", "'s", " blue", "."}},
		{"Score: 81.\n\nI'LL", []string{"Score", ":", " ", "8", "1", ".\n\n", "I", "'LL"}},
		{"façade 绘画 🎨", []string{"façade", " 绘画", " 🎨"}},
	} {
		if got := word.FindAllString(c.text, -1); !slices.Equal(got, c.want) {
			t.Errorf("%q is cut into %q, want %q", c.text, got, c.want)
		}
	}
}

// TestCorpusNeedsNoLookahead: see word.
func TestCorpusNeedsNoLookahead(t *testing.T) {
	for _, s := range corpus() {
		if strings.Contains(s, "  ") || strings.ContainsAny(s, "\t<>") {
			t.Errorf("%q has two spaces in a row, a tab, or a place that was not filled", s)
		}
	}
}

func TestTrain(t *testing.T) {
	for _, c := range []struct {
		name   string
		texts  []string
		merges int
		want   []string
	}{
		{"most frequent first", []string{"abc", "bc"}, 1, []string{"bc"}},
		{"of equals the lowest ids", []string{"zy", "zy", "ab", "ab"}, 2, []string{"ab", "zy"}},
		{"merges build on merges", []string{"aba", "aba"}, 2, []string{"ab", "aba"}},
		{"from left to right", []string{"aaa", "aaa"}, 2, []string{"aa", "aaa"}},
		{"the space belongs to the word", []string{"x ab", "y ab"}, 2, []string{"ab", "Ġab"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := train(c.texts, c.merges)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.tokens[256:]; !slices.Equal(got, c.want) {
				t.Errorf("learned %q, want %q", got, c.want)
			}
			for i, m := range b.merges {
				if joined := b.tokens[m[0]] + b.tokens[m[1]]; joined != b.tokens[256+i] {
					t.Errorf("merge %d gives %q, its token is %q", i, joined, b.tokens[256+i])
				}
			}
		})
	}
	if _, err := train([]string{"ab", "ab"}, 2); err == nil {
		t.Error("a corpus with one pair gives two merges")
	}
}

func TestSpecialIDs(t *testing.T) {
	if got := specialID(special[len(special)-1]); got != vocabSize-1 {
		t.Errorf("the last special token has id %d, want the last of the vocabulary, %d", got, vocabSize-1)
	}
	if got := specialID("no such token"); got != -1 {
		t.Errorf("a name that is no special token has id %d, want -1", got)
	}
}
