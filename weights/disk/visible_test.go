package disk_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/loupe-vl/loupe/weights/disk"
)

func TestVisible(t *testing.T) {
	for _, c := range [][3]string{
		{"a.jpg", "a.jpg", "a.jpg"},
		{"Bilder/Müller 画 👩‍🎨.jpg", "Bilder/Müller 画 👩‍🎨.jpg", "Bilder/Müller 画 👩‍🎨.jpg"},
		{"a\x1b[31mred\nx", `a\x1b[31mred\nx`, "a\\x1b[31mred\nx"},
		{"tab\tcr\rdel\x7fnul\x00", `tab\tcr\rdel\x7fnul\x00`, "tab\tcr\\rdel\\x7fnul\\x00"},
		{"gpj.\u202eexe", `gpj.\u202eexe`, `gpj.\u202eexe`},
		{"c1\u009b31m", `c1\u009b31m`, `c1\u009b31m`},
		{"\u2028line", `\u2028line`, `\u2028line`},
		{"latin \xe9", `latin \xe9`, `latin \xe9`},
		{`C:\new`, `C:\new`, `C:\new`},
	} {
		if got := disk.Visible(c[0]); got != c[1] {
			t.Errorf("Visible(%q) = %q, want %q", c[0], got, c[1])
		}
		if got := disk.VisibleLines(c[0]); got != c[2] {
			t.Errorf("VisibleLines(%q) = %q, want %q", c[0], got, c[2])
		}
	}
}

// FuzzVisible: whatever it is given, what comes out is one line of UTF-8 without a control character, and once is enough.
func FuzzVisible(f *testing.F) {
	f.Add("a\x1b[31mred\nx")
	f.Fuzz(func(t *testing.T, s string) {
		v := disk.Visible(s)
		if !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) || disk.Visible(v) != v {
			t.Errorf("Visible(%q) = %q", s, v)
		}
	})
}
