//go:build unix

package weights

import (
	"os"

	"golang.org/x/sys/unix"
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
	adviseLargePages(data)
	return data, func() error { return unix.Munmap(data) }, nil
}
