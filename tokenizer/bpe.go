package tokenizer

import (
	"strings"
	"sync"

	"github.com/nlpodyssey/gotokenizers/models/bpemodel"
)

const (
	// longWord is the length in bytes from which a word is merged by
	// mergeLong: bpemodel's time is quadratic in it.
	longWord = 128
	// cacheWords bounds the cache of merged words; it starts afresh when full.
	cacheWords = 1 << 16
	// cachedWord is the length in bytes of the longest word that is cached.
	cachedWord = 32
)

// bpe merges words into tokens. It is safe for concurrent use.
type bpe struct {
	bytes  [256]int32        // the id of each byte's own token
	merges bpemodel.MergeMap // a pair of ids to its rank and merged id

	mu    sync.RWMutex
	cache map[string][]int32
}

// appendWord appends the ids of word, a piece that splitWords yields.
func (b *bpe) appendWord(ids []int, word string) []int {
	switch {
	case len(word) == 1:
		return append(ids, int(b.bytes[word[0]]))
	case len(word) > longWord:
		return b.mergeLong(ids, word)
	case len(word) > cachedWord:
		return b.merge(ids, word)
	}
	b.mu.RLock()
	known, ok := b.cache[word]
	b.mu.RUnlock()
	if ok {
		for _, id := range known {
			ids = append(ids, int(id))
		}
		return ids
	}
	n := len(ids)
	ids = b.merge(ids, word)
	known = make([]int32, len(ids)-n)
	for i := range known {
		known[i] = int32(ids[n+i])
	}
	b.mu.Lock()
	if b.cache == nil || len(b.cache) >= cacheWords {
		b.cache = make(map[string][]int32)
	}
	b.cache[strings.Clone(word)] = known // a word shares memory with its whole text
	b.mu.Unlock()
	return ids
}

// merge merges one word as gotokenizers does, without its vocabulary of strings.
func (b *bpe) merge(ids []int, word string) []int {
	w := bpemodel.NewWordWithCapacity(len(word))
	for i := range len(word) {
		w.Add(int(b.bytes[word[i]]), 1)
	}
	w.MergeAll(&b.merges, 0)
	for _, s := range *w {
		ids = append(ids, s.ID)
	}
	return ids
}
