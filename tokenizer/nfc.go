package tokenizer

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longRun is the number of combining characters in a row from which on package norm is not used. It implements the
// Stream-Safe Text Format and would insert U+034F after thirty non-starters, which the reference does not do. One character
// decomposes into at most three.
const longRun = 9

// nfc returns text in Unicode normalization form C. The reference's tables are
// older: it leaves the order of a few rare combining marks that Unicode 10 and
// later added, such as U+1DF7 and U+08CE, where this follows the standard.
func nfc(text string) string {
	if !hasLongRun(text) {
		return norm.NFC.String(text)
	}
	return string(compose(decompose(text)))
}

func hasLongRun(text string) bool {
	run := 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			run = 0
			i++
			continue
		}
		p := norm.NFD.PropertiesString(text[i:])
		if p.LeadCCC() == 0 && p.TrailCCC() == 0 {
			run = 0
		} else if run++; run >= longRun {
			return true
		}
		i += max(p.Size(), 1)
	}
	return false
}

// decompose returns text in form D: full canonical decompositions, each run of
// non-starters in stable order of combining class.
func decompose(text string) []rune {
	var d []rune
	for _, r := range text {
		d = append(d, []rune(norm.NFD.String(string(r)))...)
	}
	for i := 0; i < len(d); i++ {
		j := i
		for j < len(d) && combiningClass(d[j]) != 0 {
			j++
		}
		slices.SortStableFunc(d[i:j], func(a, b rune) int { return int(combiningClass(a)) - int(combiningClass(b)) })
		i = j
	}
	return d
}

// compose is the canonical composition of form D text, in place (Unicode
// Standard, section 3.11): a character joins the last starter unless another
// one between them has the same or a higher class.
func compose(d []rune) []rune {
	out := d[:0]
	starter, last := -1, uint8(0)
	for _, r := range d {
		class := combiningClass(r)
		if starter >= 0 && (starter == len(out)-1 || last != 0 && last < class) {
			if c, ok := composePair(out[starter], r); ok {
				out[starter] = c
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, r)
	}
	return out
}

// composePair returns the one character that a followed by b is canonically
// equal to, where there is one that form C keeps.
func composePair(a, b rune) (rune, bool) {
	s := norm.NFC.String(string(a) + string(b))
	r, n := utf8.DecodeRuneInString(s)
	return r, n == len(s)
}

func combiningClass(r rune) uint8 {
	if r < 0x300 {
		return 0
	}
	return norm.NFD.PropertiesString(string(r)).CCC()
}
