package serve

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// nonceHeader is on every answer. A page that sees another nonce than its own has outlived a restart.
const nonceHeader = "Loupe-Studio"

// newNonce is a name that no other start of the program has.
func newNonce() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // it never fails: see crypto/rand
	return hex.EncodeToString(b)
}

// runID names a run so that no run of another start of the program is taken for it: NONCE-NUMBER.
type runID string

func newRunID(nonce string, number int) runID { return runID(nonce + "-" + strconv.Itoa(number)) }

// number is the number of a run; 0 if the ID has none.
func (id runID) number() int {
	_, text, _ := strings.Cut(string(id), "-")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func (id runID) String() string { return strconv.Itoa(id.number()) }

// errGone is the error of a run that is not kept.
func (s *Studio) errGone(id runID) error {
	nonce, _, _ := strings.Cut(string(id), "-")
	switch {
	case id.number() < 1:
		return fmt.Errorf("%q is the name of no run", shorten(string(id)))
	case nonce != s.nonce:
		return fmt.Errorf("run %s was made before the studio was started anew, and is gone; load the page anew", id)
	}
	return fmt.Errorf("run %s is not kept any more, or has not ended; run its picture again", id)
}

// shorten cuts a text that somebody sent to what a sentence can hold.
func shorten(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}
