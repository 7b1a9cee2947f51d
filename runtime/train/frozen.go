package train

import (
	"fmt"
	"strings"
)

// frozenSet is what does not learn: names that match a pattern, and parts whose learning rate is 0.
type frozenSet struct {
	patterns []string
	hits     []int // of each pattern: names that would have learned
	parts    map[Part]bool
}

func newFrozenSet(patterns []string) *frozenSet {
	return &frozenSet{patterns: patterns, hits: make([]int, len(patterns)), parts: map[Part]bool{}}
}

// has reports whether a parameter of one of these names is frozen. A pattern matches tensors of the score head only if it
// begins with "score_head": one for whole towers, "*", does not freeze the head.
func (s *frozenSet) has(names ...string) bool {
	if s == nil {
		return false
	}
	found := s.parts[partOf(names[0])]
	for i, p := range s.patterns {
		if partOf(names[0]) == ScoreHead && !strings.HasPrefix(p, scoreHead) {
			continue
		}
		for _, name := range names {
			if matches(p, name) {
				s.hits[i]++
				found = true
				break
			}
		}
	}
	return found
}

// check refuses a pattern that matches nothing: something would learn that should be frozen.
func (s *frozenSet) check(what string) error {
	for i, n := range s.hits {
		if n == 0 {
			return fmt.Errorf("train.Options.Freeze %q matches nothing that would learn, which is %s; a pattern is of a whole name, with * for any characters, as in 'visual.*', and `loupe inspect` lists the names", s.patterns[i], what)
		}
	}
	return nil
}
