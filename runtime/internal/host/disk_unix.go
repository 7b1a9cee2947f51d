//go:build linux || darwin

package host

import "golang.org/x/sys/unix"

// FreeDisk is how many bytes may still be written under a directory, 0 where that is not known.
func FreeDisk(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
