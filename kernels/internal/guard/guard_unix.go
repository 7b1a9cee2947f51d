//go:build unix

package guard

import (
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Enforced reports whether the pages beside the slices truly have no access on this system.
const Enforced = true

// place maps the pages that n elements need and one more on each side, takes the access of these two away, and cuts the
// elements out flush with one of them.
func place[T Element](t testing.TB, n int, head bool) []T {
	t.Helper()
	var zero T
	page, bytes := os.Getpagesize(), n*int(unsafe.Sizeof(zero))
	inner := max(1, (bytes+page-1)/page) * page
	all, err := unix.Mmap(-1, 0, inner+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("mapping %d bytes: %v", inner+2*page, err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(all); err != nil {
			t.Errorf("unmapping: %v", err)
		}
	})
	for _, outer := range [][]byte{all[:page], all[page+inner:]} {
		if err := unix.Mprotect(outer, unix.PROT_NONE); err != nil {
			t.Fatalf("protecting a page: %v", err)
		}
	}
	at := page + inner - bytes
	if head {
		at = page
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(all[at:]))), n)[:n:n]
}
