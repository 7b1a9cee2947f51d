//go:build !unix

package host

import "time"

// CPUTime is how long the program has computed so far, on all its threads together; 0 where that is not known.
func CPUTime() time.Duration { return 0 }
