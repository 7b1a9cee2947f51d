//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/attention"
)

// sequence is a part of an attention: its last queries of so many keys, which lie on pages. Shared are pages that are those of the
// sequence before it.
type sequence struct{ queries, keys, more, page, shared int }

// jobCase is an attention of several sequences.
type jobCase struct {
	heads, kvHeads, width int
	values                int
	sequences             []sequence
}

func (c *jobCase) String() string {
	return fmt.Sprintf("%d heads over %d of %d columns, %s, sequences (queries, keys, more, page, shared) %v", c.heads, c.kvHeads, c.width, valueNames[c.values], c.sequences)
}

// job is the attention on the host, and on a device where there is one. What a page holds beyond a sequence's keys is NaN.
func (c *jobCase) job(t testing.TB, d *Device) (host, on *kernels.Attention) {
	r := newDice(uint64(len(c.sequences)*1000 + c.width))
	wide, narrow, queries := c.heads*c.width, c.kvHeads*c.width, 0
	for _, s := range c.sequences {
		queries += s.queries
	}
	host = &kernels.Attention{Heads: c.heads, KVHeads: c.kvHeads, To: c.heads}
	on = &kernels.Attention{Heads: c.heads, KVHeads: c.kvHeads, To: c.heads}
	all := func(x []float32, pad int) (h, a kernels.Array) {
		h = kernels.HostArray(queries, wide, x)
		if d != nil {
			a = up(t, d, queries, wide, pad, x)
		}
		return h, a
	}
	q, onQ := all(r.floats(queries*wide, ordinary), 0)
	out, onOut := all(make([]float32, queries*wide), 4)
	at := 0
	for i, s := range c.sequences {
		hp := kernels.AttentionPart{Q: q.Window(at, 0, s.queries, wide), Out: out.Window(at, 0, s.queries, wide), First: s.keys - s.more*(s.queries-1), More: s.more}
		dp := hp
		if d != nil {
			dp.Q, dp.Out = onQ.Window(at, 0, s.queries, wide), onOut.Window(at, 0, s.queries, wide)
		}
		page := func(n, kind int) (h, a kernels.Array) {
			x := r.floats(s.page*narrow, kind)
			for j := n * narrow; j < len(x); j++ {
				x[j] = float32(math.NaN())
			}
			h = kernels.HostArray(s.page, narrow, x).Window(0, 0, n, narrow)
			if d != nil {
				a = up(t, d, s.page, narrow, 0, x).Window(0, 0, n, narrow)
			}
			return h, a
		}
		for key := 0; key < s.keys; key += s.page {
			n := min(s.page, s.keys-key)
			var k, v, onK, onV kernels.Array
			if j := key / s.page; j < s.shared {
				k, v, onK, onV = host.Parts[i-1].K[j], host.Parts[i-1].V[j], on.Parts[i-1].K[j], on.Parts[i-1].V[j]
			} else {
				kind := c.values
				if kind == canceling { // of which the largest would be the only probability
					kind = ordinary
				}
				k, onK = page(n, kind)
				v, onV = page(n, c.values)
			}
			hp.K, hp.V, dp.K, dp.V = append(hp.K, k), append(hp.V, v), append(dp.K, onK), append(dp.V, onV)
		}
		host.Parts, on.Parts = append(host.Parts, hp), append(on.Parts, dp)
		at += s.queries
	}
	return host, on
}

// differs compares the device with plain Go, and says where it differs first.
func (c *jobCase) differs(t testing.TB, d *Device) string {
	t.Helper()
	host, on := c.job(t, d)
	if err := attention.Forward(reference, host); err != nil {
		t.Fatal(err)
	}
	err := d.Attend(on)
	if err == nil {
		err = d.Err()
	}
	if err != nil {
		return err.Error()
	}
	for i := range c.sequences {
		got, want := down(t, d, on.Parts[i].Out), rowsOnHost(host.Parts[i].Out)
		if at := differ(got, want); at >= 0 {
			return fmt.Sprintf("%v: element %d of sequence %d is %v, want %v", c, at, i, got[at], want[at])
		}
	}
	return ""
}

// rowsOnHost are the rows of an array of the host.
func rowsOnHost(a kernels.Array) (x []float32) {
	for i := range a.Rows {
		x = append(x, a.HostRow(i)...)
	}
	return x
}

// mixed are n sequences of different lengths that decode, read chunks of their prompts, or have parts of their past in common.
func mixed(n, page int) (out []sequence) {
	r := newDice(uint64(n))
	for i := range n {
		s := sequence{queries: 1, keys: 1 + r.IntN(90), more: 1, page: page}
		if i%4 == 3 {
			s.queries = 1 + r.IntN(12)
			s.keys += s.queries
		}
		if i > 0 && i%3 == 2 {
			s.shared = min(s.keys, out[i-1].keys) / page
		}
		out = append(out, s)
	}
	return out
}

// TestAttentionOfSequences: one launch for all sequences gives each the bits of plain Go, whatever their lengths and pages.
func TestAttentionOfSequences(t *testing.T) {
	cases := []jobCase{
		{heads: 7, kvHeads: 1, width: 128, sequences: []sequence{{1, 257, 1, 256, 0}, {1, 1, 1, 256, 0}, {1, 256, 1, 256, 0}}},
		{heads: 12, kvHeads: 2, width: 64, sequences: []sequence{{1, 64, 1, 16, 0}, {1, 65, 1, 16, 3}, {1, 63, 1, 16, 0}}, values: canceling},
		{heads: 3, kvHeads: 3, width: 80, sequences: []sequence{{1, 33, 1, 32, 0}, {1, 129, 1, 128, 0}}}, // a head alone
		{heads: 3, kvHeads: 1, width: 36, sequences: []sequence{{1, 33, 1, 32, 0}, {1, 70, 1, 16, 0}}},
		{heads: 7, kvHeads: 1, width: 16, sequences: []sequence{{8, 70, 1, 16, 0}, {3, 3, 1, 16, 0}, {1, 20, 1, 16, 0}}},                   // chunks beside decoding
		{heads: 4, kvHeads: 1, width: 20, sequences: []sequence{{1, 40, 0, 7, 0}, {2, 13, 0, 5, 0}}, values: denormal},                     // segments, odd pages
		{heads: 6, kvHeads: 1, width: 5, sequences: []sequence{{1, 3, 1, 1, 0}, {8, 24, 1, 3, 0}}, values: canceling},                      // a page for each key
		{heads: 6, kvHeads: 1, width: 16, sequences: []sequence{{1, 80, 1, 16, 0}, {7, 60, 1, 16, 0}, {2, 9, 0, 9, 0}}, values: nonFinite}, //
		{heads: 6, kvHeads: 2, width: 8, sequences: mixed(33, 16)},
		{heads: 7, kvHeads: 1, width: 80, sequences: []sequence{{10, 129, 1, 64, 0}, {19, 19, 1, 64, 0}, {1, 3, 1, 64, 0}}}, // prompts
		{heads: 2, kvHeads: 2, width: 128, sequences: []sequence{{20, 30, 1, 16, 0}}, values: canceling},
		{heads: 2, kvHeads: 2, width: 64, sequences: []sequence{{129, 129, 0, 129, 0}, {10, 10, 0, 10, 0}}, values: canceling}, // segments
		{heads: 8, kvHeads: 2, width: 16, sequences: []sequence{{25, 131, 1, 50, 0}, {17, 17, 1, 66, 0}}},
		{heads: 1, kvHeads: 1, width: 33, sequences: []sequence{{131, 131, 1, 131, 0}}}, // odd columns
		{heads: 1, kvHeads: 1, width: 130, sequences: []sequence{{70, 75, 1, 75, 0}}},   // two tiles of columns
	}
	if os.Getenv("LOUPE_LONG") == "1" {
		for n := 1; n <= 33; n++ {
			for _, width := range []int{8, 64, 80, 128, 33} {
				cases = append(cases, jobCase{heads: 7, kvHeads: 1, width: width, sequences: mixed(n, 16)}, jobCase{heads: 4, kvHeads: 2, width: width, sequences: mixed(n, 32)})
			}
		}
		cases = append(cases, jobCase{heads: 14, kvHeads: 2, width: 80, sequences: []sequence{{300, 700, 1, 256, 0}}})
	} else {
		t.Log("set LOUPE_LONG=1 for every number of sequences to 33")
	}
	defer func(n int) { tilesFrom = n }(tilesFrom)
	inOrders(t, func(t *testing.T, d *Device) {
		for i := range cases {
			blocks := []int{1}
			if slices.ContainsFunc(cases[i].sequences, func(s sequence) bool { return s.queries > fewQueries }) {
				blocks = []int{0, 1, 1 << 20} // tiles of 128 rows, of 64 where they fill the device, never
			}
			for _, tilesFrom = range blocks {
				if where := cases[i].differs(t, d); where != "" {
					t.Errorf("tiles from %d on: %s", tilesFrom, where)
				}
			}
		}
		for _, file := range []string{"attention", "attention_tile"} {
			for line := range strings.Lines(string(read(t, "fatbin/"+file+".use"))) {
				if name, _, _ := strings.Cut(line, " "); d.functions[name].f == nil {
					t.Errorf("no case runs the kernel %s", name)
				}
			}
		}
	})
}
