package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// compose(decompose(x)) is norm's form C wherever norm does not insert U+034F.
func TestOwnCompositionEqualsNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pool := []rune("aeouqAE \u0300\u0301\u0308\u0316\u0323\u0327\u0345\u0344\u1100\u1161\u11a8각가éǖḍ\u09c7\u09be\u0b92\u0bd7\u0f71\u0f72\u212b\u0958\u1f82\u3099かが\U000110a5\U000110ba\U0001d15e漢\U0002f800")
	for range 20000 {
		s := make([]rune, 1+r.IntN(8))
		for i := range s {
			s[i] = pool[r.IntN(len(pool))]
		}
		want := norm.NFC.String(string(s))
		if got := string(compose(decompose(string(s)))); got != want {
			t.Fatalf("%+q: %+q, want %+q", string(s), got, want)
		}
	}
	for c := rune(0); c < 0x30000; c++ {
		if want := norm.NFC.String(string(c)); string(compose(decompose(string(c)))) != want {
			t.Errorf("U+%04X: want %+q", c, want)
		}
	}
}

// Runs of combining characters of any length keep every character.
func TestLongRunsOfMarks(t *testing.T) {
	for _, n := range []int{1, 8, 9, 29, 30, 31, 100} {
		text := "a" + strings.Repeat("\u0301\u0316", n) + "b"
		want := []rune("a" + strings.Repeat("\u0316", n) + strings.Repeat("\u0301", n) + "b")
		want = slices.Delete(want, n+1, n+2) // the first acute joins the a
		want[0] = 'á'
		if got := nfc(text); got != string(want) {
			t.Errorf("%d pairs: %+q, want %+q", n, got, string(want))
		}
	}
}
