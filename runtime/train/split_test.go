package train

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
)

// pictures are n records with the digests of their pixels; picture i is a copy of picture copyOf[i], if it is there.
func pictures(n int, copyOf map[int]int) ([]Record, [][32]byte) {
	var records []Record
	var digests [][32]byte
	for i := range n {
		records = append(records, Record{Image: fmt.Sprint(i)})
		if of, ok := copyOf[i]; ok {
			i = of
		}
		digests = append(digests, sha256.Sum256([]byte{byte(i)}))
	}
	return records, digests
}

func names(records []Record) []string {
	var out []string
	for _, r := range records {
		out = append(out, r.Image)
	}
	return out
}

// TestSplit: the part is exact where there are no copies, copies are never on both sides, and neither the order of the
// records nor what others say of themselves moves a picture.
func TestSplit(t *testing.T) {
	records, digests := pictures(40, nil)
	train, eval := split(records, digests, 0.2, 1)
	if len(train) != 32 || len(eval) != 8 {
		t.Errorf("%d to learn from and %d to evaluate on, want 32 and 8", len(train), len(eval))
	}
	if _, other := split(records, digests, 0.2, 2); slices.Equal(names(eval), names(other)) {
		t.Error("another seed gives the same split")
	}
	back, backDigests := slices.Clone(records), slices.Clone(digests)
	slices.Reverse(back)
	slices.Reverse(backDigests)
	_, turned := split(back, backDigests, 0.2, 1)
	got := names(turned)
	slices.Reverse(got)
	if !slices.Equal(got, names(eval)) {
		t.Errorf("in another order %v are to evaluate on, not %v", got, names(eval))
	}
}

func TestSplitKeepsCopiesTogether(t *testing.T) {
	for seed := range uint64(50) {
		records, digests := pictures(30, map[int]int{3: 1, 7: 1, 20: 12, 29: 28})
		records[28].Split = "eval"
		train, eval := split(records, digests, 0.3, seed)
		for _, group := range [][]string{{"1", "3", "7"}, {"12", "20"}, {"28", "29"}} {
			n := 0
			for _, name := range group {
				if slices.Contains(names(eval), name) {
					n++
				}
			}
			if n != 0 && n != len(group) {
				t.Fatalf("seed %d: %d of the copies %v are to evaluate on", seed, n, group)
			}
		}
		if len(train)+len(eval) != 30 || !slices.Contains(names(eval), "29") {
			t.Fatalf("seed %d: %d and %d records; the copy of picture 28, which is for evaluation, must go with it: %v", seed, len(train), len(eval), names(eval))
		}
	}
}

// TestSplitAsSaid: what the records say holds, with --eval-split 0 too.
func TestSplitAsSaid(t *testing.T) {
	records, digests := pictures(5, nil)
	records[1].Split, records[4].Split = "eval", "train"
	train, eval := split(records, digests, 0, 9)
	if !slices.Equal(names(eval), []string{"1"}) || !slices.Equal(names(train), []string{"0", "2", "3", "4"}) {
		t.Errorf("to learn from %v, to evaluate on %v", names(train), names(eval))
	}
}
