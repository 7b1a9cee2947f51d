//go:build !purego

package cpu

import "golang.org/x/sys/unix"

// allowTiles asks the system for the tiles of AMX, for all threads of the process, and reports whether it gives them. Linux wants to be
// asked because tiles make a thread's saved state much larger (Documentation/arch/x86/xstate.rst).
func allowTiles() bool {
	const requestPermission, tileData = 0x1023, 18 // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
	_, _, failed := unix.Syscall(unix.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return failed == 0
}
