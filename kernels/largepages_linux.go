package kernels

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AdviseLargePages asks for pages of 2 MiB under data, which may be a map: under those of the system's pages that lie in it
// whole. It is a hint: a system that has none, or none for files, refuses, and nothing is lost.
func AdviseLargePages(data []byte) {
	page := os.Getpagesize()
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) & (page - 1)
	if n := (len(data) - skip) / page * page; n > 0 {
		_ = unix.Madvise(data[skip:skip+n], unix.MADV_HUGEPAGE)
	}
}
