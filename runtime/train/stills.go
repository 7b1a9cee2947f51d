package train

import (
	"fmt"
	"strings"
)

// stills are what is not to learn: what has the form of a pattern, and the parts whose learning rate is 0.
type stills struct {
	patterns []string
	hits     []int // of each pattern: names that would have learned
	parts    map[Part]bool
}

func newStills(patterns []string) *stills {
	return &stills{patterns: patterns, hits: make([]int, len(patterns)), parts: map[Part]bool{}}
}

// has reports whether something of these names, which learns otherwise, stands still. A pattern names tensors of the score head
// only where it begins with "score_head": one for whole towers, "*", leaves the head free.
func (s *stills) has(names ...string) bool {
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

// check refuses a pattern that nothing has the form of: something learns that was not to.
func (s *stills) check(what string) error {
	for i, n := range s.hits {
		if n == 0 {
			return fmt.Errorf("--freeze %q matches nothing that would learn, which is %s; a pattern is of a whole name, with * for any characters, as in 'visual.*', and `loupe inspect` lists the names", s.patterns[i], what)
		}
	}
	return nil
}
