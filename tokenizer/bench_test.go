package tokenizer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func BenchmarkLoad(b *testing.B) {
	dir := filepath.Join(sharedDir(b), "reference", "qwen2-vl-2b-instruct")
	for b.Loop() {
		if _, err := Load(dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	tok := published(b)
	text, err := os.ReadFile(filepath.Join(sharedDir(b), "design.md"))
	if err != nil {
		b.Fatal(err)
	}
	s := string(text)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		if _, err := tok.Encode(s); err != nil {
			b.Fatal(err)
		}
	}
}

// hard are texts that a careless tokenizer is quadratic in.
func hard(size int) map[string]string {
	texts := map[string]string{}
	for _, unit := range []string{
		"a", "ab", " ", "\n ", " \n", "\n", "!", "漢", "字漢", "🎨", "👩‍🎨", "\u0301", "e\u0301\u0316", "é", "각", "0", "'s", "aA", "<", "<|", "\u00a0", "ſ'",
	} {
		texts[fmt.Sprintf("%q", unit)] = strings.Repeat(unit, size/len(unit))
	}
	texts["spaces, then a letter"] = strings.Repeat(" ", size) + "x"
	texts["one letter, then marks"] = "e" + strings.Repeat("\u0316\u0301", size/4)
	return texts
}

// Time is linear in the text: a megabyte, and a quarter of one of everything.
func TestHardTextIsLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: takes a few seconds")
	}
	texts := hard(1 << 18)
	for _, unit := range []string{"a", " ", "漢", "🎨"} {
		texts["a megabyte of "+unit] = strings.Repeat(unit, 1<<20/len(unit))
	}
	tok := tiny(t)
	for name, text := range texts {
		start := time.Now()
		ids, err := tok.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		// A quadratic step takes minutes; this leaves room for a busy machine.
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: %v for %d bytes, %d ids", name, took, len(text), len(ids))
		}
	}
}
