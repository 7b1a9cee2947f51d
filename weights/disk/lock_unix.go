//go:build unix

package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// errLocked is the error of lock where somebody else holds it.
var errLocked = errors.New("it is locked")

// lock locks an open file or directory for as long as it is open, and the process lives. Any error but errLocked says that the
// file system has no locks.
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

// owner is the part of a temporary's name that tells whose it is, where locks do not.
func owner() string { return "" }

// removeAbandoned removes a temporary that nobody holds.
func removeAbandoned(path string) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if lock(f) == nil && stillAt(f, path) {
		_ = os.RemoveAll(path)
	}
}

// beforeRename has nothing to do: an open file keeps its lock under its new name.
func beforeRename(*os.File) error { return nil }

// removeLocked removes a lock's file while it is still locked, so that another process that has opened it sees that it is
// gone.
func removeLocked(f *os.File) {
	_ = os.Remove(f.Name())
	_ = f.Close()
}
