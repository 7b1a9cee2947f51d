package disk

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/windows"
)

var errLocked = errors.New("it is locked")

// lock locks a byte far behind the end of an open file, so that others can still read it.
func lock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 20})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return errLocked
	}
	return err
}

// owner tells whose a temporary is: directories, and files that are about to be renamed, cannot be locked here.
func owner() string { return strconv.Itoa(os.Getpid()) + "-" }

// removeAbandoned removes a temporary whose process is gone. Files that are open cannot be removed here anyway.
func removeAbandoned(path string) {
	parts := strings.Split(strings.TrimSuffix(filepath.Base(path), tempSuffix), ".")
	pid, _, _ := strings.Cut(parts[len(parts)-1], "-")
	n, err := strconv.ParseUint(pid, 10, 32)
	if err != nil {
		return
	}
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(n))
	if err == nil {
		_ = windows.CloseHandle(h)
		return
	}
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) { // there is no such process
		_ = os.RemoveAll(path)
	}
}

// beforeRename closes the file: an open one cannot be renamed here.
func beforeRename(f *os.File) error { return f.Close() }

// removeLocked closes a lock's file first: an open one cannot be removed here, and neither can one that somebody else has opened.
func removeLocked(f *os.File) { discard(f) }
