//go:build linux || darwin

package disk

import "golang.org/x/sys/unix"

// Free is how many bytes may still be written under a directory, 0 where that is not known.
func Free(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
