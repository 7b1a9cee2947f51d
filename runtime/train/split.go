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

// split divides records into training and evaluation records, and returns the pictures of each. A record with a split goes
// where that says. Records of the same picture without one go with it, to training if both are named. The given part of the
// other pictures is for evaluation. Which ones depends on the seed and their pixels, not on the order of the records or how
// often a picture occurs.
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

// drawn shuffles pictures by the seed and their pixels alone.
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

// BothSides notes pictures that are on both sides of the split, which makes the held-out error look smaller than it is; "":
// there are none.
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

// withoutTest handles records of the split test. If there are no evaluation records they are used for evaluation. Otherwise
// they are left for a later eval: data by which a run chooses its best step are no test.
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
	return kept, fmt.Sprintf("%s of the split test left out, neither learned from nor measured; train.Evaluate measures them", counted(len(records)-len(kept), "record"))
}
