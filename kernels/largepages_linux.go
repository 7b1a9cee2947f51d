package kernels

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// largePage is the size of a large page.
const largePage = 2 << 20

// adviseLargePages asks for large pages under those of data that lie in it whole. It is a hint, which the system may refuse.
func adviseLargePages(data []byte) {
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) & (largePage - 1)
	if n := (len(data) - skip) / largePage * largePage; n > 0 {
		_ = unix.Madvise(data[skip:skip+n], unix.MADV_HUGEPAGE)
	}
}
