//go:build !unix

package guard

import "testing"

// Enforced reports whether the pages beside the slices truly have no access on this system.
const Enforced = false

// place is an ordinary slice: this system has no pages to protect.
func place[T Element](_ testing.TB, n int, _ bool) []T { return make([]T, n) }
