package serve

import (
	"container/list"
	"strings"
	"sync"
)

// runs keeps the last few runs.
type runs struct {
	mu      sync.Mutex
	most    int
	kept    []*run
	made    int
	dropped func(id int) // is told of a run that is no longer kept
}

func newRuns(most int, dropped func(int)) *runs { return &runs{most: most, dropped: dropped} }

// add gives a run its number and keeps it, in place of the oldest where there are too many.
func (s *runs) add(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	r.id = s.made
	s.kept = append(s.kept, r)
	for len(s.kept) > s.most {
		s.dropped(s.kept[0].id)
		s.kept = s.kept[1:]
	}
}

// remove forgets a run, one that was not finished.
func (s *runs) remove(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.kept {
		if r.id == id {
			s.kept = append(s.kept[:i:i], s.kept[i+1:]...)
			s.dropped(id)
			return
		}
	}
}

func (s *runs) get(id int) *run {
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

// cache keeps numbers that can be computed again, up to a number of bytes: what was not used for longest goes first.
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

// put keeps data, unless it is larger than all that may be kept.
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
func (c *cache) drop(id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	prefix := runKey(id)
	for key, e := range c.by {
		if strings.HasPrefix(key, prefix) {
			c.forget(e)
		}
	}
}
