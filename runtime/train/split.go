package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
)

// copies are the records whose pictures have the same pixels.
type copies struct {
	records []int  // places, ascending
	side    string // "train" or "eval" where one of the records says so; train if both are said
	key     [32]byte
}

// split parts records into those to learn from and those to evaluate on. A record that says where it belongs goes there, and
// copies of its picture go with it. Of the others the given part, as nearly as whole groups of copies allow, is for
// evaluation: which ones depends on the seed and on their pixels, and not on their order.
func split(records []Record, digests [][32]byte, part float64, seed uint64) (train, eval []Record) {
	groups := grouped(records, digests, seed)
	var open []*copies
	free := 0
	for _, g := range groups {
		if g.side == "" {
			open = append(open, g)
			free += len(g.records)
		}
	}
	slices.SortFunc(open, func(a, b *copies) int { return bytes.Compare(a.key[:], b.key[:]) })
	left := int(math.Round(part * float64(free)))
	for _, g := range open {
		if len(g.records) <= left {
			g.side = "eval"
			left -= len(g.records)
		}
	}
	sides := make([]string, len(records))
	for _, g := range groups {
		for _, i := range g.records {
			if sides[i] = records[i].Split; sides[i] == "" {
				sides[i] = g.side
			}
		}
	}
	for i, r := range records {
		if sides[i] == "eval" {
			eval = append(eval, r)
		} else {
			train = append(train, r)
		}
	}
	return train, eval
}

// grouped puts copies together, in the order in which they appear.
func grouped(records []Record, digests [][32]byte, seed uint64) []*copies {
	var groups []*copies
	byPixels := map[[32]byte]*copies{}
	for i, r := range records {
		g := byPixels[digests[i]]
		if g == nil {
			g = &copies{key: sha256.Sum256(binary.LittleEndian.AppendUint64(digests[i][:], seed))}
			byPixels[digests[i]] = g
			groups = append(groups, g)
		}
		g.records = append(g.records, i)
		if g.side != "train" && r.Split != "" {
			g.side = r.Split
		}
	}
	return groups
}
