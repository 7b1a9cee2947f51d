package picture

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// TestResizeRounded compares every byte with torchvision's resize of a tensor.
func TestResizeRounded(t *testing.T) {
	data, err := os.ReadFile("testdata/resize_torch.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		From, To [2]int
		Pixels   string
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 8 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		got := sha256.Sum256(ResizeRounded(formula(c.From[0], c.From[1]), c.To[0], c.To[1]).Pix)
		if hex.EncodeToString(got[:]) != c.Pixels {
			t.Errorf("%v to %v: the bytes differ", c.From, c.To)
		}
	}
}
