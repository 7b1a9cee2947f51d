package decoder

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// warperLogits are the logits of testdata/warpers.py.
func warperLogits(seed uint64, n, step int) []float32 {
	out := make([]float32, n)
	for i := range out {
		seed = (seed*1103515245 + 12345) % (1 << 31)
		out[i] = float32(float64(int(seed>>8)%(16*step)-8*step) / float64(step))
	}
	return out
}

// TestCutsAreTransformers holds which tokens are left against transformers' warpers. Which of two equal
// tokens top-p drops is not told there (torch.sort is not stable), so the logits of what is left are compared.
func TestCutsAreTransformers(t *testing.T) {
	data, err := os.ReadFile("testdata/warpers.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Seed        uint64
		N, Step     int
		Temperature float64
		TopK        int     `json:"top_k"`
		TopP        float64 `json:"top_p"`
		MinP        float64 `json:"min_p"`
		Kept        string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 400 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		logits := warperLogits(c.Seed, c.N, c.Step)
		s := NewSampler(Sampling{Temperature: c.Temperature, TopK: c.TopK, TopP: &c.TopP, MinP: c.MinP}, nil)
		var got, want []float32
		top := logits[0]
		for _, l := range logits {
			top = max(top, l)
		}
		for _, x := range s.candidates(logits, top) {
			got = append(got, x.logit)
		}
		for id, kept := range c.Kept {
			if kept == '1' {
				want = append(want, logits[id])
			}
		}
		slices.SortFunc(want, func(a, b float32) int { return cmp.Compare(b, a) })
		if !slices.Equal(got, want) {
			t.Errorf("%+v: kept logits %v, want %v", c, got, want)
		}
	}
}
