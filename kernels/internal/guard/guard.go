package guard

import (
	"fmt"
	"testing"
)

// Element is what kernels read and write.
type Element interface {
	~float32 | ~uint16 | ~uint8 | ~int8
}

// Tail is n zeros whose last element is followed by a page without access. The memory is unmapped when the test ends.
func Tail[T Element](t testing.TB, n int) []T {
	t.Helper()
	return place[T](t, n, false)
}

// Head is n zeros whose first element follows a page without access. The memory is unmapped when the test ends.
func Head[T Element](t testing.TB, n int) []T {
	t.Helper()
	return place[T](t, n, true)
}

// Side names Tail or Head, for tables of tests.
type Side string

// The sides on which a slice may lie against a page without access.
const (
	AtTail Side = "tail"
	AtHead Side = "head"
)

// Sides lists both.
var Sides = []Side{AtTail, AtHead}

// Lengths lie around the widths of vectors, tiles and lanes.
var Lengths = []int{1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65}

// Like is a copy of x that lies flush on the given side.
func Like[T Element](t testing.TB, side Side, x []T) []T {
	t.Helper()
	var out []T
	switch side {
	case AtTail:
		out = Tail[T](t, len(x))
	case AtHead:
		out = Head[T](t, len(x))
	default:
		panic(fmt.Sprintf("no side %q", side))
	}
	copy(out, x)
	return out
}
