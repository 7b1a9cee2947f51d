//go:build unix

package host

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is how long the program has computed so far, on all its threads together; 0 where that is not known.
func CPUTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
