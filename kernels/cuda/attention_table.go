//go:build cuda && linux && cgo

package cuda

import (
	"math/bits"
	"slices"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
)

// An attention's parts and their pages go up as a table (src/attention.cuh), so that the kernels of all parts are few launches, and lengths and
// pages are data. Addresses in it are relative to those of the first part and page: the layers of a step have the same
// table, which goes up once.

// attendPart is struct AttendPart of the kernels.
type attendPart struct {
	q, out, scores             int64
	qRow, outRow, queries      int32
	first, more, stride        int32
	page, pages, each, reserve int32
}

// attendPage is struct AttendPage of the kernels.
type attendPage struct {
	k, v                 int64
	kRow, vRow, at, rows int32
}

const (
	partWords = int(unsafe.Sizeof(attendPart{}) / 8)
	pageWords = int(unsafe.Sizeof(attendPage{}) / 8)
	// scoreStride is what the distance of rows of scores is a multiple of: whole stages of the kernels.
	scoreStride = 64
)

// Bits of attendArgs.wide: what can be read 16 bytes at a time.
const wideQ, wideK, wideV = 1, 2, 4

// lay makes the table: parts of few queries first. A run of parts whose scores fit into scratch together has ascending places there.
func (t *attending) lay() error {
	parts, pages := 0, 0
	for i := range t.a.Parts {
		if p := &t.a.Parts[i]; p.Q.Rows > 0 {
			if err := t.check(p); err != nil {
				return err
			}
			parts++
			pages += len(p.K)
		}
	}
	if parts == 0 {
		return nil
	}
	t.words = slices.Grow(t.words[:0], parts*partWords+pages*pageWords)[:parts*partWords+pages*pageWords]
	clear(t.words)
	t.parts = unsafe.Slice((*attendPart)(unsafe.Pointer(&t.words[0])), parts)
	t.pages = unsafe.Slice((*attendPage)(unsafe.Pointer(&t.words[parts*partWords])), pages)
	t.wide = wideQ | wideK | wideV
	if t.width%4 != 0 {
		t.wide = 0
	}
	t.few = 0
	part, page, at := 0, 0, int64(0)
	for _, many := range [2]bool{false, true} {
		for i := range t.a.Parts {
			p := &t.a.Parts[i]
			if p.Q.Rows == 0 || p.Q.Rows > fewQueries != many {
				continue
			}
			e := &t.parts[part]
			q, out := t.place(p.Q, &t.q, part, wideQ), t.place(p.Out, &t.out, part, 0)
			keys := p.Visible(p.Q.Rows - 1)
			*e = attendPart{
				q: q, out: out, qRow: int32(p.Q.Stride), outRow: int32(p.Out.Stride), queries: int32(p.Q.Rows),
				first: int32(p.First), more: int32(p.More), stride: int32(blocks(keys, scoreStride) * scoreStride), page: int32(page),
			}
			size := int64(t.a.To-t.a.From) * int64(e.queries) * int64(e.stride)
			if at+size > int64(mostScores) || part == t.few && many {
				at = 0
			}
			e.scores = at
			at += size
			for j, key := 0, 0; j < len(p.K) && key < keys; j++ {
				n := min(p.K[j].Rows, keys-key)
				if n == 0 {
					continue
				}
				t.pages[page] = attendPage{
					k: t.place(p.K[j], &t.k, page, wideK), v: t.place(p.V[j], &t.v, page, wideV),
					kRow: int32(p.K[j].Stride), vRow: int32(p.V[j].Stride), at: int32(key), rows: int32(n),
				}
				key += n
				page++
			}
			e.pages = int32(page) - e.page
			e.each = t.pages[e.page].rows
			part++
		}
		if !many {
			t.few = part
		}
	}
	return t.err
}

// place is where an array lies, in floats from the first of its kind, and takes the bit of what cannot be read 16 bytes at a time.
func (t *attending) place(a kernels.Array, first *address, i int, wide int32) int64 {
	at := t.at(a.Buffer)
	if i == 0 {
		*first = at
	}
	if at%16 != 0 || a.Stride%4 != 0 {
		t.wide &^= wide
	}
	return (int64(at) - int64(*first)) / 4
}

// upload brings the table up, unless it is there. What others sent up meanwhile is overwritten.
func (t *attending) upload() (parts, pages address) {
	n := 8 * len(t.words)
	d := t.Device
	if uint64(n) > d.scratch[scratchTable].size {
		d.table = d.table[:0]
	}
	at := t.grow(scratchTable, roomFor(n))
	if t.err == nil && !slices.Equal(d.table, t.words) {
		d.table = append(d.table[:0], t.words...)
		t.up(at, unsafe.Pointer(&t.words[0]), n)
	}
	return at, at + address(8*partWords*len(t.parts))
}

// roomFor is a size that grows rarely: a power of two of at least n bytes.
func roomFor(n int) int { return max(1<<bits.Len(uint(n-1)), 1<<14) }
