//go:build unix

package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// openNonblocking opens a file for reading. If the name has become a pipe since it was checked, this does not wait for a
// writer.
func openNonblocking(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}
