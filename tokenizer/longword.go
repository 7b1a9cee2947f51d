package tokenizer

// symbol is one token of a word that is being merged; next and prev are
// indices, -1 at the ends.
type symbol struct {
	id, prev, next int32 // id -1: merged into the one before
}

// candidate is a possible merge: the symbol at pos with the next one, into id. It is stale if the pair there no longer
// merges into id.
type candidate struct {
	rank, pos, id int32
}

// before is the order of merging: the lowest rank, then the leftmost.
func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.pos < d.pos
}

// mergeLong does what merge does, in O(n log n).
func (b *bpe) mergeLong(ids []int, word string) []int {
	n := len(word)
	s := make([]symbol, n)
	for i := range s {
		s[i] = symbol{b.bytes[word[i]], int32(i - 1), int32(i + 1)}
	}
	s[n-1].next = -1

	q := make(queue, 0, n)
	for i := range n - 1 {
		if c, ok := b.pair(s, int32(i)); ok {
			q = append(q, c)
		}
	}
	for i := len(q)/2 - 1; i >= 0; i-- {
		q.down(i)
	}
	for len(q) > 0 {
		top := q.pop()
		if s[top.pos].id < 0 {
			continue
		}
		if now, ok := b.pair(s, top.pos); !ok || now.id != top.id {
			continue
		}
		cur := &s[top.pos]
		right := &s[cur.next]
		cur.id, cur.next = top.id, right.next
		right.id = -1
		if cur.next >= 0 {
			s[cur.next].prev = top.pos
		}
		if cur.prev >= 0 {
			if c, ok := b.pair(s, cur.prev); ok {
				q.push(c)
			}
		}
		if c, ok := b.pair(s, top.pos); ok {
			q.push(c)
		}
	}
	for i := int32(0); i >= 0; i = s[i].next {
		ids = append(ids, int(s[i].id))
	}
	return ids
}

// pair looks up the merge of the symbol at pos with the next one.
func (b *bpe) pair(s []symbol, pos int32) (candidate, bool) {
	next := s[pos].next
	if next < 0 {
		return candidate{}, false
	}
	m, ok := b.merges.Get(int(s[pos].id), int(s[next].id))
	return candidate{int32(m.Rank), pos, int32(m.ID)}, ok
}

// queue is a binary heap of candidates. container/heap would allocate for each
// of a million.
type queue []candidate

func (q *queue) push(c candidate) {
	*q = append(*q, c)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *queue) pop() candidate {
	h := *q
	top := h[0]
	h[0] = h[len(h)-1]
	*q = h[:len(h)-1]
	q.down(0)
	return top
}

// down moves element i to where neither child comes before it.
func (q queue) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(q) {
			return
		}
		if child+1 < len(q) && q[child+1].before(q[child]) {
			child++
		}
		if !q[child].before(q[i]) {
			return
		}
		q[i], q[child] = q[child], q[i]
		i = child
	}
}
