package train

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// split parts records into those to learn from and those to evaluate on, and gives the pictures of each part. A record that says
// where it belongs goes there, and records of the same picture that say nothing go with it (to those to learn from, where both
// sides are said). Of the other pictures the given part is for evaluation: which ones depends on the seed and on their
// pixels, not on the order of the records nor on how often a picture stands there.
func split(records []Record, p *Pictures, part float64, seed uint64) (train, eval []Record, trainPictures, evalPictures *Pictures) {
	side := make([]string, p.Len())
	var open []int
	for n, of := range p.Records {
		for _, i := range of {
			if s := records[i].Split; s != "" && side[n] != "train" {
				side[n] = s
			}
		}
		if side[n] == "" {
			open = append(open, n)
		}
	}
	for _, n := range p.drawn(open, seed)[:int(math.Round(part*float64(len(open))))] {
		side[n] = "eval"
	}
	var trainRecords, evalRecords []int
	for i, r := range records {
		to := r.Split
		if to == "" {
			to = side[p.Of[i]]
		}
		if to == "eval" {
			eval, evalRecords = append(eval, r), append(evalRecords, i)
		} else {
			train, trainRecords = append(train, r), append(trainRecords, i)
		}
	}
	return train, eval, p.some(trainRecords), p.some(evalRecords)
}

// drawn is pictures in an order that the seed and their pixels give, and nothing else.
func (p *Pictures) drawn(pictures []int, seed uint64) []int {
	keys := map[int][32]byte{}
	for _, n := range pictures {
		keys[n] = sha256.Sum256(binary.LittleEndian.AppendUint64(slices.Clone(p.digests[n].pixels[:]), seed))
	}
	return slices.SortedFunc(slices.Values(pictures), func(a, b int) int {
		x, y := keys[a], keys[b]
		return cmp.Or(bytes.Compare(x[:], y[:]), bytes.Compare(p.digests[a].bytes(), p.digests[b].bytes()))
	})
}

// BothSides tells of pictures that records put on both sides of the split, which makes the error on the held-out side look
// smaller than it is; "" where there are none.
func (p *Pictures) BothSides(records []Record) string {
	found, first := 0, ""
	for _, of := range p.Records {
		at := map[string]*Record{}
		for _, i := range of {
			if s := records[i].Split; s != "" && at[s] == nil {
				at[s] = &records[i]
			}
		}
		if at["train"] != nil && at["eval"] != nil {
			if found++; found == 1 {
				first = fmt.Sprintf("%s (%s) and %s (%s)", at["train"].Image, at["train"].Where, at["eval"].Image, at["eval"].Where)
			}
		}
	}
	if found == 0 {
		return ""
	}
	return fmt.Sprintf("%d of the pictures are on both sides of the split that the records make, the first %s: what is measured on the evaluation side is not of pictures unseen; give all records of a picture the same split", found, first)
}

// withoutTest settles what becomes of records whose split is test: where none is for evaluation they are, and else they are
// left for a later eval, since what a run chooses its best step by is no test.
func withoutTest(records []Record) (kept []Record, note string) {
	has := func(split string) bool {
		return slices.ContainsFunc(records, func(r Record) bool { return r.Split == split })
	}
	switch {
	case !has("test"):
		return records, ""
	case !has("eval"):
		for _, r := range records {
			if r.Split == "test" {
				r.Split = "eval"
			}
			kept = append(kept, r)
		}
		return kept, "no record has the split eval: those of the split test are the ones for evaluation"
	}
	kept = slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return r.Split == "test" })
	return kept, fmt.Sprintf("%s of the split test left out, neither learned from nor measured; loupe eval --split test measures them", counted(len(records)-len(kept), "record"))
}
