package tokenizer

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

func TestEncodeRefusesBadUTF8(t *testing.T) {
	for text, want := range map[string]string{
		"ab\xffc":        "byte 2 (0xff)",
		"漢\xe6\xbc":      "byte 3 (0xe6)",
		"\xed\xa0\x80":   "byte 0 (0xed)",
		"<|im_end|>\x80": "byte 10 (0x80)",
	} {
		if _, err := tiny(t).Encode(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Encode(%q): error %v, want one with %q", text, err, want)
		}
	}
	if _, err := tiny(t).Encode("\ufffd"); err != nil {
		t.Errorf("U+FFFD itself: %v", err)
	}
}

func TestUnknownIDs(t *testing.T) {
	tok := tiny(t)
	hole := tok.VocabSize() - 2
	for _, id := range []int{-1, hole, tok.VocabSize(), 1 << 40} {
		if _, err := tok.Decode([]int{1, id}); !errors.Is(err, ErrUnknownID) || !strings.Contains(err.Error(), "position 1") {
			t.Errorf("Decode of id %d: %v", id, err)
		}
		if got := tok.DecodeLossy([]int{64, id, 65}); got != "ab" {
			t.Errorf("DecodeLossy with id %d = %q, want ab", id, got)
		}
		if _, ok := tok.Token(id); ok {
			t.Errorf("Token(%d) is there", id)
		}
		if _, ok := tok.Bytes(id); ok || tok.IsSpecial(id) {
			t.Errorf("Bytes(%d) are there", id)
		}
	}
	if _, ok := tok.ID("no such token"); ok {
		t.Error("ID of no such token")
	}
}

// Each learned id's bytes are its token in the byte alphabet, and single bytes
// are all there.
func TestBytesAndTokens(t *testing.T) {
	tok := tiny(t)
	seen := map[string]bool{}
	for id := range tok.VocabSize() {
		token, ok := tok.Token(id)
		if !ok {
			continue
		}
		if back, _ := tok.ID(token); back != id {
			t.Errorf("ID(Token(%d)) = %d", id, back)
		}
		b, _ := tok.Bytes(id)
		seen[string(b)] = true
	}
	for b := range 256 {
		if !seen[string([]byte{byte(b)})] {
			t.Errorf("byte %#x has no token", b)
		}
	}
}

func TestStreamHoldsPartsOfCharacters(t *testing.T) {
	tok := tiny(t)
	byteID := func(b byte) int { return int(tok.bpe.bytes[b]) }
	end, _ := tok.ID("<|im_end|>")
	tests := []struct {
		name  string
		ids   []int
		want  []string
		flush string
	}{
		{"whole", []int{byteID('a'), byteID('b')}, []string{"a", "b"}, ""},
		{"three bytes", []int{byteID(0xe6), byteID(0xbc), byteID(0xa2)}, []string{"", "", "漢"}, ""},
		{"four bytes", []int{byteID(0xf0), byteID(0x9f), byteID(0x8e), byteID(0xa8), byteID('!')}, []string{"", "", "", "🎨", "!"}, ""},
		{"cut off", []int{byteID('a'), byteID(0xe6), byteID(0xbc)}, []string{"a", "", ""}, "\ufffd"},
		{"broken by a letter", []int{byteID(0xe6), byteID(0xbc), byteID('a')}, []string{"", "", "\ufffda"}, ""},
		{"never UTF-8", []int{byteID(0xff), byteID(0x80), byteID(0xed), byteID(0xa0)}, []string{"\ufffd", "\ufffd", "", "\ufffd\ufffd"}, ""},
		{"special", []int{byteID(0xe6), end}, []string{"", "\ufffd<|im_end|>"}, ""},
		{"no token", []int{1 << 30}, []string{""}, ""},
	}
	for _, test := range tests {
		s := tok.Stream()
		for i, id := range test.ids {
			if got := s.Push(id); got != test.want[i] {
				t.Errorf("%s: Push %d = %q, want %q", test.name, i, got, test.want[i])
			}
		}
		if got := s.Flush(); got != test.flush {
			t.Errorf("%s: Flush = %q, want %q", test.name, got, test.flush)
		}
		if want := strings.Join(test.want, "") + test.flush; tok.DecodeLossy(test.ids) != want {
			t.Errorf("%s: DecodeLossy = %q, want %q", test.name, tok.DecodeLossy(test.ids), want)
		}
	}
	s := tok.Stream()
	s.SkipSpecial = true
	if got := s.Push(end) + s.Push(byteID('x')); got != "x" {
		t.Errorf("SkipSpecial: %q, want x", got)
	}
}

// One tokenizer gives the same ids to many goroutines as to one.
func TestConcurrentUse(t *testing.T) {
	tok := tiny(t)
	texts := []string{"The loupe is the glass", strings.Repeat("abab ", 200), strings.Repeat("a", 500), "<|im_start|>漢字 e\u0301"}
	var want [][]int
	for _, text := range texts {
		ids, err := tiny(t).Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, ids)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				k := (g + i) % len(texts)
				if ids, err := tok.Encode(texts[k]); err != nil || !slices.Equal(ids, want[k]) {
					t.Errorf("Encode(%q) = %v, %v; want %v", texts[k], ids, err, want[k])
				}
			}
		})
	}
	wg.Wait()
}

func FuzzRoundTrip(f *testing.F) {
	for name, text := range hard(300) {
		f.Add(name + text)
	}
	for _, s := range []string{"", "\xff", "The loupe <|im_end|><tool>> caf\u00e9 it'S", "a\u0316\u0301\u0300", "\r\n \r\n"} {
		f.Add(s)
	}
	tok := tiny(f)
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := tok.Encode(text)
		if (err == nil) != utf8.ValidString(text) {
			t.Fatalf("Encode(%q): %v", text, err)
		}
		if err != nil {
			return
		}
		back, err := tok.Decode(ids)
		if err != nil {
			t.Fatal(err)
		}
		// An added token inside combines with nothing around it.
		if !strings.Contains(text, "<") && string(back) != nfc(text) {
			t.Fatalf("round trip of %q gives %q, want %q", text, back, nfc(text))
		}
		if lossy := tok.DecodeLossy(ids); lossy != string(back) {
			t.Fatalf("DecodeLossy = %q, Decode = %q", lossy, back)
		}
	})
}
