package weights

import "golang.org/x/sys/unix"

// adviseLargePages asks for pages of 2 MiB under a map. Kernels that have no such pages of files refuse, and nothing is lost.
func adviseLargePages(data []byte) { _ = unix.Madvise(data, unix.MADV_HUGEPAGE) }
