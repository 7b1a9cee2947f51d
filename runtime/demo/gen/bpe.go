package main

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// A pair is two neighboring tokens, by id.
type pair [2]int

// bpe is a trained byte-level BPE. Tokens are written in the byte-to-unicode alphabet.
type bpe struct {
	tokens []string // by id: the 256 bytes in the order of the alphabet, then the merges
	merges []pair   // in order of rank
}

// alphabet maps each byte to its character and the characters to ids, as GPT-2 does: a byte that prints stands for itself,
// the others, in order, for the characters from U+0100 on. Ids are in order of the characters.
func alphabet() (chars [256]rune, ids map[rune]int) {
	next := rune(256)
	for b := range chars {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae {
			chars[b] = rune(b)
		} else {
			chars[b] = next
			next++
		}
	}
	ids = make(map[rune]int, 256)
	for i, c := range slices.Sorted(slices.Values(chars[:])) {
		ids[c] = i
	}
	return chars, ids
}

// word cuts a text as Qwen2's pre-tokenizer does. Its expression looks ahead where white space runs into a word, which
// regexp cannot; the corpus has no two spaces in a row, so that what is left cuts it alike.
var word = regexp.MustCompile(`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+`)

// counted is a word of the corpus as tokens, and how often it occurs.
type counted struct {
	ids   []int
	count int
}

// train learns a given number of merges from texts: each time the pair that occurs most often, of equals the one with the
// lowest ids. A pair must occur twice.
func train(texts []string, merges int) (*bpe, error) {
	chars, ids := alphabet()
	b := &bpe{tokens: make([]string, len(ids))}
	for c, id := range ids {
		b.tokens[id] = string(c)
	}
	seen := make(map[string]bool, merges)
	words := split(texts, chars, ids)
	for len(b.merges) < merges {
		best, ok := mostFrequent(words)
		if !ok {
			return nil, fmt.Errorf("the corpus gives %d merges of the %d that are wanted; give it more words", len(b.merges), merges)
		}
		joined := b.tokens[best[0]] + b.tokens[best[1]]
		if seen[joined] {
			return nil, fmt.Errorf("two merges give the token %q; change the corpus", joined)
		}
		seen[joined] = true
		b.merges = append(b.merges, best)
		b.tokens = append(b.tokens, joined)
		for i := range words {
			words[i].ids = merge(words[i].ids, best, len(b.tokens)-1)
		}
	}
	return b, nil
}

// split counts the words of texts, in order of the words.
func split(texts []string, chars [256]rune, ids map[rune]int) []counted {
	counts := map[string]int{}
	for _, t := range texts {
		for _, w := range word.FindAllString(t, -1) {
			counts[w]++
		}
	}
	var words []counted
	for _, w := range slices.Sorted(maps.Keys(counts)) {
		c := counted{count: counts[w]}
		for _, b := range []byte(w) {
			c.ids = append(c.ids, ids[chars[b]])
		}
		words = append(words, c)
	}
	return words
}

// mostFrequent is the pair to merge next; false where none occurs twice.
func mostFrequent(words []counted) (pair, bool) {
	counts := map[pair]int{}
	for _, w := range words {
		for i := range len(w.ids) - 1 {
			counts[pair{w.ids[i], w.ids[i+1]}] += w.count
		}
	}
	var best pair
	most := 1
	for p, n := range counts {
		if n > most || n == most && most > 1 && cmp.Or(cmp.Compare(p[0], best[0]), cmp.Compare(p[1], best[1])) < 0 {
			best, most = p, n
		}
	}
	return best, most > 1
}

// merge replaces each occurrence of p by id, from left to right, in place.
func merge(ids []int, p pair, id int) []int {
	out := ids[:0]
	for i := 0; i < len(ids); i++ {
		if i+1 < len(ids) && ids[i] == p[0] && ids[i+1] == p[1] {
			out = append(out, id)
			i++
		} else {
			out = append(out, ids[i])
		}
	}
	return out
}
