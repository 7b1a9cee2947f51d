//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/loupe-vl/loupe/kernels"
)

// A query is scored against all keys that it sees, and what follows reads true rows of probabilities: whoever looks sees what is computed.
// All parts of an attention are computed together: a launch for the scores, one for the softmax, one for the products with values.

// mostScores bounds the scratch of an attention: floats of scores that are held at once, 128 MiB. Tests make it smaller.
var mostScores = 32 << 20

// fewQueries is how many queries of a part are few.
const fewQueries = 8

// attending is an attention while it is computed. d.mu is held, but while an inspector looks.
type attending struct {
	*Device
	a            *kernels.Attention
	width, group int
	scale        float32

	// The table of its parts, and what its addresses are relative to.
	words        []uint64
	parts        []attendPart
	pages        []attendPage
	few          int // the first parts, of few queries
	q, k, v, out address
	wide         int32

	// Of a part with an inspector, or of a backward.
	p      *kernels.AttentionPart
	scores address // (heads, queries, stride)
	stride int
	back   address // of a backward: gradients of the same shape
	edited address // and probabilities after changes
}

// attending begins an attention, and checks its heads.
func (d *Device) attending(a *kernels.Attention) (*attending, error) {
	t := &d.attention
	if a.Stages != 0 { // others may compute while an inspector looks
		t = new(attending)
	}
	*t = attending{Device: d, a: a, words: t.words[:0]}
	if len(a.Parts) == 0 || a.From >= a.To {
		return t, nil
	}
	cols := a.Parts[0].Q.Cols
	if a.KVHeads <= 0 || a.Heads%a.KVHeads != 0 || cols%a.Heads != 0 || a.To > a.Heads {
		return nil, fmt.Errorf("cuda: %d query heads in %d columns cannot read %d key heads", a.Heads, cols, a.KVHeads)
	}
	t.width, t.group = cols/a.Heads, a.Heads/a.KVHeads
	t.scale = float32(1 / math.Sqrt(float64(t.width)))
	return t, nil
}

// check checks a part.
func (t *attending) check(p *kernels.AttentionPart) error {
	if wide := t.width * t.a.Heads; p.Q.Cols != wide || p.Out.Cols != wide || p.Out.Rows != p.Q.Rows {
		return fmt.Errorf("cuda: queries are (%d, %d) and their result (%d, %d); %d heads of %d columns are asked for", p.Q.Rows, p.Q.Cols, p.Out.Rows, p.Out.Cols, t.a.Heads, t.width)
	}
	for i := range p.K {
		if p.K[i].Cols != t.width*t.a.KVHeads || p.V[i].Cols != t.width*t.a.KVHeads || p.V[i].Rows != p.K[i].Rows {
			return fmt.Errorf("cuda: page %d of keys is (%d, %d) and of values (%d, %d); %d heads of %d columns are asked for", i, p.K[i].Rows, p.K[i].Cols, p.V[i].Rows, p.V[i].Cols, t.a.KVHeads, t.width)
		}
	}
	if keys := p.Visible(p.Q.Rows - 1); keys > p.Keys() || p.First < 1 {
		return fmt.Errorf("cuda: queries see %d to %d keys of %d", p.First, keys, p.Keys())
	}
	return nil
}

// Attend computes an attention.
func (d *Device) Attend(a *kernels.Attention) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.attending(a)
	if err != nil {
		return err
	}
	if err := t.lay(); err != nil {
		return err
	}
	if a.Stages&(kernels.Scores|kernels.Probs) != 0 {
		return t.inspected()
	}
	for from := a.From; from < a.To && len(t.parts) > 0; {
		to := a.To
		if in := from % t.group; in != 0 || to-from < t.group { // within one group, or whole groups
			to = min(to, from-in+t.group)
		} else {
			to -= (to - from) % t.group
		}
		for i := 0; i < len(t.parts); {
			j := i + 1
			for ; j < len(t.parts) && t.parts[j].scores > 0 && j-i < most; j++ {
			}
			t.together(from, to, i, j)
			i = j
		}
		from = to
	}
	return d.err
}

// together computes heads [from, to), which are of one group or whole groups, of parts [i, j), which are all of few queries or all of
// many: at once, or where the scores of one part alone do not fit into scratch, as many key heads and queries at a time as do.
func (t *attending) together(from, to, i, j int) {
	members := min(t.group, to-from)
	queries, floats := 0, int64(0)
	for _, p := range t.parts[i:j] {
		queries = max(queries, int(p.queries))
		floats += int64(to-from) * int64(p.queries) * int64(p.stride)
	}
	n, heads := queries, to-from
	if floats > int64(mostScores) {
		row := members * int(t.parts[i].stride)
		n = max(1, min(queries, mostScores/row))
		heads = min(heads, members*max(1, mostScores/(n*row)))
		floats = int64(heads) * int64(n) * int64(t.parts[i].stride)
	}
	scores := t.grow(scratchScores, roomFor(4*int(floats)))
	for lo := 0; lo < queries; lo += n {
		for head := from; head < to; head += heads {
			a := t.args(scores, i, head, members, lo, min(lo+n, queries))
			grid := t.grid(&a, j-i, (min(head+heads, to)-head)/members)
			t.scoresOf(a, grid)
			t.softmaxOf(a, grid)
			t.valuesOf(a, grid)
		}
	}
}

// attendArgs is struct Attend of the kernels.
type attendArgs struct {
	parts, pages, q, k, v, out, scores                       address
	part, head, members, group, width, tile, lo, hi, rowMost int32
	wide                                                     int32
	scale                                                    float32
	unused                                                   int32
}

// attendGrid is how much there is to compute, and of what size the blocks are. No bit depends on the latter.
type attendGrid struct {
	parts, kv, rows, keys int // the most that one of the parts has
	scores, values        int // rows of a block
}

// args are those of parts from i on, of queries [lo, hi) and of heads from head on. The table is there afterwards.
func (t *attending) args(scores address, i, head, members, lo, hi int) attendArgs {
	a := attendArgs{
		q: t.q, k: t.k, v: t.v, out: t.out, scores: scores, part: int32(i), head: int32(head), members: int32(members),
		group: int32(t.group), width: int32(t.width), lo: int32(lo), hi: int32(hi), wide: t.wide, scale: t.scale,
	}
	a.parts, a.pages = t.upload()
	return a
}

// tilesFrom is how many tiles of 64 rows there must be for each multiprocessor, so that tiles are worth their size. Tests change it.
var tilesFrom = 1

// grid finds how many rows and keys the parts have at most, and chooses blocks: tiles for many queries, where there are enough of them to
// fill the GPU, since a tile goes through all keys by itself; else rows of a few.
func (t *attending) grid(a *attendArgs, parts, kv int) attendGrid {
	g := attendGrid{parts: parts, kv: kv, scores: 8}
	small, large := 0, 0
	for _, p := range t.parts[a.part:][:parts] {
		hi := min(int(a.hi), int(p.queries))
		rows := (hi - int(a.lo)) * int(a.members)
		g.rows, g.keys = max(g.rows, rows), max(g.keys, int(p.first)+int(p.more)*(hi-1))
		small, large = small+blocks(rows, 64), large+blocks(rows, 128)
	}
	wide := kv * blocks(t.width, tileSize)
	switch {
	case int(a.part) >= t.few && small*wide >= tilesFrom*t.info.Processors:
		g.scores, g.values = 64, 64
		if large*kv*blocks(g.keys, scoreTileKeys) >= tilesFrom*t.info.Processors {
			g.scores = 128
		}
		if large*wide >= 2*tilesFrom*t.info.Processors {
			g.values = 128
		}
		return g
	case g.rows == 1:
		g.scores = 1
	case g.rows <= 4:
		g.scores = 4
	}
	g.values = g.scores
	return g
}

// What a block of attention computes.
const (
	scoreKeys       = 64  // of few rows
	valueThreads    = 64  // of few rows
	scoreTileKeys   = 128 // of a tile
	attendTileBlock = 256 // threads of a tile
)

// scoresOf launches the scores before their scale.
func (t *attending) scoresOf(a attendArgs, g attendGrid) {
	name, threads, keys := "", attendTileBlock, scoreTileKeys
	switch g.scores {
	case 1:
		name, threads, keys = "attend_scores_1", scoreKeys, scoreKeys
	case 4:
		name, threads, keys = "attend_scores_4", scoreKeys, scoreKeys
	case 8:
		name, threads, keys = "attend_scores_8", 2*scoreKeys, scoreKeys
	case 64:
		name = "attend_tile_scores_64"
	default:
		name = "attend_tile_scores_128"
	}
	t.blocksOf(&a, g, g.scores)
	launch(t.Device, name, [3]int{int(a.rowMost) * coarse(blocks(g.keys, keys)), g.kv, g.parts}, threads, a)
}

// coarse is a quarter more than n at most, or 4: a number that changes rarely while n grows, since a step whose launches are as large as those of the
// step before is the same graph. Blocks beyond the last key end at once.
func coarse(n int) int {
	step := max(4, 1<<max(0, bits.Len(uint(n))-3))
	return blocks(n, step) * step
}

// blocksOf says of how many rows blocks are. Whoever looks is shown the keys of the last query for all: all rows are one block then.
func (t *attending) blocksOf(a *attendArgs, g attendGrid, high int) {
	a.rowMost, a.tile = int32(blocks(g.rows, high)), int32(high)
	if t.a.Stages != 0 {
		a.tile = int32(g.rows)
	}
}

// softmaxOf launches their scale and the softmax.
func (t *attending) softmaxOf(a attendArgs, g attendGrid) {
	t.blocksOf(&a, g, g.values)
	launch(t.Device, "attend_softmax", [3]int{g.rows, g.kv, g.parts}, rowBlock, a)
}

// valuesOf launches the products of probabilities and values. Where the chains over keys are too few to fill the GPU, a thread has few of
// them, and else more, so that what it reads serves more.
func (t *attending) valuesOf(a attendArgs, g attendGrid) {
	t.blocksOf(&a, g, g.values)
	if g.values >= 64 {
		t.valueTiles(a, g)
		return
	}
	name, cols := "attend_values_8", 16
	switch {
	case g.values == 1:
		name, cols = "attend_values_1", 128
	case g.values == 4:
		name, cols = "attend_values_4", 32
	case int(a.rowMost)*g.kv*g.parts*blocks(t.width, cols) > 2*t.info.Processors:
		name, cols = "attend_values_8_wide", 64
	}
	launch(t.Device, name, [3]int{int(a.rowMost) * blocks(t.width, cols), g.kv, g.parts}, valueThreads, a)
}

// valueTilesNames are the tiles of results, by their rows and columns: written once, since nothing is allocated for a name.
var valueTilesNames = [2][4]string{
	{"attend_tile_values_64_16", "attend_tile_values_64_64", "attend_tile_values_64_80", "attend_tile_values_64_128"},
	{"attend_tile_values_128_16", "attend_tile_values_128_64", "attend_tile_values_128_80", "attend_tile_values_128_128"},
}

// valueTiles launches tiles as wide as a head, where there are such.
func (t *attending) valueTiles(a attendArgs, g attendGrid) {
	which, wide := 3, tileSize
	switch {
	case t.width <= 16:
		which, wide = 0, 16
	case t.width <= 64:
		which, wide = 1, 64
	case t.width <= 80:
		which, wide = 2, 80
	}
	launch(t.Device, valueTilesNames[g.values/64-1][which], [3]int{int(a.rowMost) * blocks(t.width, wide), g.kv, g.parts}, attendTileBlock, a)
}
