package serve

import (
	"container/list"
	"fmt"
	"strings"
	"sync"
)

// runs keeps the last few runs, and those that are pinned.
type runs struct {
	mu      sync.Mutex
	nonce   string
	most    int
	kept    []*run
	pinned  map[runID]bool
	made    int
	dropped func(id runID) // is told of a run that is no longer kept
}

func newRuns(nonce string, most int, dropped func(runID)) *runs {
	return &runs{nonce: nonce, most: most, dropped: dropped, pinned: map[runID]bool{}}
}

// add gives a run its number and keeps it. If there are too many, the oldest goes that is neither pinned nor the original
// of a kept edit. If there is none, originals of edits go before pinned runs.
func (s *runs) add(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	r.id = newRunID(s.nonce, s.made)
	s.kept = append(s.kept, r)
	for len(s.kept) > s.most {
		i := s.oldest(func(r *run) bool { return s.pinned[r.id] || s.edited(r.id) })
		if i < 0 {
			i = s.oldest(func(r *run) bool { return s.pinned[r.id] })
		}
		s.drop(max(i, 0))
	}
}

// oldest is the first run that is not held, but for the last one, which has just come; -1 for none.
func (s *runs) oldest(held func(*run) bool) int {
	for i, r := range s.kept[:len(s.kept)-1] {
		if !held(r) {
			return i
		}
	}
	return -1
}

// edited reports whether a kept run is an edit of a run's picture.
func (s *runs) edited(id runID) bool {
	for _, r := range s.kept {
		if len(r.edits) > 0 && r.ask.Picture == id {
			return true
		}
	}
	return false
}

func (s *runs) drop(i int) {
	id := s.kept[i].id
	s.kept = append(s.kept[:i:i], s.kept[i+1:]...)
	delete(s.pinned, id)
	s.dropped(id)
}

// pin keeps a run until it is let go, whatever else is run.
func (s *runs) pin(id runID, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !on {
		delete(s.pinned, id)
		return nil
	}
	for _, r := range s.kept {
		switch {
		case r.id != id:
		case !s.pinned[id] && len(s.pinned) >= max(1, s.most/2):
			return fmt.Errorf("%d runs are held already; let one of them go first", len(s.pinned))
		default:
			s.pinned[id] = true
			return nil
		}
	}
	return fmt.Errorf("run %s is not kept any more; run its picture again", id)
}

// remove forgets a run, one that was not finished.
func (s *runs) remove(id runID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.kept {
		if r.id == id {
			s.drop(i)
			return
		}
	}
}

func (s *runs) get(id runID) *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.kept {
		if r.id == id {
			return r
		}
	}
	return nil
}

func (s *runs) list() []*run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*run{}, s.kept...)
}

// names are the runs that are kept, and those of them that are pinned.
func (s *runs) names() (kept, pinned []runID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.kept {
		kept = append(kept, r.id)
		if s.pinned[r.id] {
			pinned = append(pinned, r.id)
		}
	}
	return kept, pinned
}

// cache is an LRU cache of numbers that can be computed again, bounded in bytes.
type cache struct {
	mu    sync.Mutex
	most  int64
	held  int64
	order *list.List // of *entry, the last used first
	by    map[string]*list.Element
}

type entry struct {
	key  string
	data []float32
}

func newCache(most int64) *cache {
	return &cache{most: most, order: list.New(), by: map[string]*list.Element{}}
}

// get is what was put under key; nil for nothing.
func (c *cache) get(key string) []float32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.by[key]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry).data
}

// put keeps data, unless it is larger than the cache.
func (c *cache) put(key string, data []float32) {
	size := 4 * int64(len(data))
	if size > c.most {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.by[key]; e != nil {
		c.forget(e)
	}
	c.by[key] = c.order.PushFront(&entry{key, data})
	for c.held += size; c.held > c.most; {
		c.forget(c.order.Back())
	}
}

func (c *cache) forget(e *list.Element) {
	x := c.order.Remove(e).(*entry)
	delete(c.by, x.key)
	c.held -= 4 * int64(len(x.data))
}

// drop forgets what belongs to a run.
func (c *cache) drop(id runID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	prefix := runKey(id)
	for key, e := range c.by {
		if strings.HasPrefix(key, prefix) {
			c.forget(e)
		}
	}
}
