//go:build unix

package weights

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/loupe-vl/loupe/kernels"
)

// mapFile maps size bytes of f read-only. The pages are the system's file
// cache: they cost no memory of their own and are shared between processes.
// Large ones are asked for, where the system has them: a decoding step reads
// every weight, and with small pages it waits for their addresses as well.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	kernels.AdviseLargePages(data)
	return data, func() error { return unix.Munmap(data) }, nil
}

// forget takes part of a map out of the program's memory, except the pages at its ends, which others may need. It can still be
// read, from the file again.
func forget(data []byte) {
	if len(data) == 0 {
		return
	}
	page := os.Getpagesize()
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) & (page - 1)
	if n := (len(data) - skip) / page * page; n > 0 {
		_ = unix.Madvise(data[skip:skip+n], unix.MADV_DONTNEED) // a hint: memory only stays fuller without it
	}
}
