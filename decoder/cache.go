package decoder

import (
	"fmt"
	"runtime"

	"github.com/loupe-vl/loupe/kernels/tensor"
)

// Cache holds the keys and values of one sequence in pages of a pool: it grows without copying the past. Release gives the
// pages back; those of a cache that is forgotten without it go back when the garbage collector finds it.
type Cache struct {
	n            int // positions that all layers hold
	held         *holding
	seenK, seenV []tensor.Tensor // what a layer holds, which attention is lent until the next one asks
	copies       tensor.Copies   // of a layer's new keys and values
}

// holding are the pages of a cache, apart from it so that they can be given back once it is gone.
type holding struct {
	pool  *PagePool
	pages []*page
}

func (h *holding) release() {
	h.pool.release(h.pages)
	h.pages = nil
}

// NewCache is an empty cache with pages from the pool.
func (p *PagePool) NewCache() *Cache {
	c := &Cache{held: &holding{pool: p}}
	runtime.AddCleanup(c, (*holding).release, c.held)
	return c
}

// Len is the number of positions that the cache holds.
func (c *Cache) Len() int { return c.n }

// Bytes is the memory of the pages that the cache holds, those that it shares with others included.
func (c *Cache) Bytes() int { return len(c.held.pages) * 4 * c.held.pool.floats() }

// Release gives the pages back. The cache is empty then. No step may be using it.
func (c *Cache) Release() {
	clear(c.seenK)
	clear(c.seenV)
	c.held.release()
	c.n, c.seenK, c.seenV = 0, nil, nil
}

// Fork is a cache that holds the first n positions of c, for another continuation of them. Both share the full pages among
// these, which neither writes again; of a page that is not full the new cache has a copy. No step of c may be going on.
func (c *Cache) Fork(n int) (*Cache, error) {
	if n < 0 || n > c.n {
		return nil, fmt.Errorf("fork a cache at position %d: it holds %d; give a number from 0 to that", n, c.n)
	}
	p := c.held.pool
	out := p.NewCache()
	full := n / p.rows
	p.share(c.held.pages[:full])
	out.held.pages = append(out.held.pages, c.held.pages[:full]...)
	if rest := n % p.rows; rest > 0 {
		to, err := p.take()
		if err != nil {
			out.Release()
			return nil, err
		}
		from := c.held.pages[full]
		for l := range p.layers {
			p.copyRows(l, p.keys(to, l), p.keys(from, l).Slice(0, rest))
			p.copyRows(l, p.values(to, l), p.values(from, l).Slice(0, rest))
		}
		out.held.pages = append(out.held.pages, to)
	}
	out.n = n
	return out, nil
}

// Attend is a layer's attention over all that the cache holds, after k and v have joined it.
func (c *Cache) Attend(r *tensor.Run, l *Layer, q, k, v tensor.Tensor) tensor.Tensor {
	kv, err := c.extend(l.Index, k, v)
	if err != nil {
		r.Fail(err)
		return q
	}
	return r.Causal(l.at("self_attn"), q, l.Heads, kv)
}

// Commit ends a step in which every layer was extended by so many positions.
func (c *Cache) Commit(rows int) { c.n += rows }

// extend writes the rows of k and v behind what a layer holds, and returns all that it holds then.
func (c *Cache) extend(layer int, k, v tensor.Tensor) (tensor.KV, error) {
	kv, err := c.extendLater(&c.copies, layer, k, v)
	if err != nil {
		c.copies.Forget()
		return kv, err
	}
	c.held.pool.copyAll(layer, &c.copies)
	return kv, nil
}

// extendLater is extend but for the copies that write k and v, which are still to be made.
func (c *Cache) extendLater(copies *tensor.Copies, layer int, k, v tensor.Tensor) (tensor.KV, error) {
	p := c.held.pool
	for at := 0; at < k.Rows; {
		i, row := (c.n+at)/p.rows, (c.n+at)%p.rows
		if i == len(c.held.pages) {
			pg, err := p.take()
			if err != nil {
				return tensor.KV{}, err
			}
			c.held.pages = append(c.held.pages, pg)
		}
		pg := c.held.pages[i]
		if !p.alone(pg) {
			return tensor.KV{}, fmt.Errorf("the keys and values of position %d would be written to a page that another sequence reads as well: fork the cache in place of sharing its pages", c.n+at)
		}
		n := min(k.Rows-at, p.rows-row)
		copies.Add(p.keys(pg, layer).Slice(row, row+n), k.Slice(at, at+n))
		copies.Add(p.values(pg, layer).Slice(row, row+n), v.Slice(at, at+n))
		at += n
	}
	c.seenK, c.seenV = c.first(layer, c.n+k.Rows, c.seenK[:0], c.seenV[:0])
	return tensor.KV{K: c.seenK, V: c.seenV, KVHeads: p.kvHeads}, nil
}

// first appends the keys and values of a layer's first n positions to k and v, which are empty, page by page.
func (c *Cache) first(layer, n int, k, v []tensor.Tensor) (keys, values []tensor.Tensor) {
	p := c.held.pool
	for i := 0; i*p.rows < n; i++ {
		rows := min(p.rows, n-i*p.rows)
		k = append(k, p.keys(c.held.pages[i], layer).Slice(0, rows))
		v = append(v, p.values(c.held.pages[i], layer).Slice(0, rows))
	}
	return k, v
}
