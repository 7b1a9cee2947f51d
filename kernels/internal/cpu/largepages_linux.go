package cpu

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AdviseLargePages asks for pages of 2 MiB under data, which may be a memory map. Only pages that lie in data whole are asked for. It is a
// hint: a system that has no large pages, or none for files, refuses, and nothing is lost.
func AdviseLargePages(data []byte) {
	page := os.Getpagesize()
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) & (page - 1)
	if n := (len(data) - skip) / page * page; n > 0 {
		_ = unix.Madvise(data[skip:skip+n], unix.MADV_HUGEPAGE)
	}
}
