package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// The byte-level alphabet writes each of the 256 bytes as one printable
// character, so that vocabulary files are plain text: printable Latin-1 stands
// for itself, the other bytes are counted up from U+0100 (GPT-2's
// bytes_to_unicode). U+0143 is the last one.
const alphabetEnd = 0x144

var (
	byteToRune [256]rune
	runeToByte [alphabetEnd]int16 // -1 where a character is not of the alphabet
)

func init() {
	for i := range runeToByte {
		runeToByte[i] = -1
	}
	next := rune(0x100)
	for b := range byteToRune {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE) {
			r = next
			next++
		}
		byteToRune[b] = r
		runeToByte[r] = int16(b)
	}
}

// appendToken appends to dst the bytes that token, written in the byte-level
// alphabet, stands for. The error names the first character outside it.
func appendToken(dst []byte, token string) ([]byte, error) {
	for i, r := range token {
		if r >= alphabetEnd || runeToByte[r] < 0 {
			_, n := utf8.DecodeRuneInString(token[i:])
			return dst, fmt.Errorf("token %q is not byte-level: %q is outside the byte alphabet", token, token[i:i+n])
		}
		dst = append(dst, byte(runeToByte[r]))
	}
	return dst, nil
}
