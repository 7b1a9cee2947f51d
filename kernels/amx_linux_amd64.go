//go:build !purego

package kernels

import "golang.org/x/sys/unix"

// askForTiles asks the system for the tiles of AMX, for all threads of the process, and reports whether it gives them: they make a
// thread's state so much larger that it wants to be asked (Linux, Documentation/arch/x86/xstate.rst).
func askForTiles() bool {
	const requestPermission, tileData = 0x1023, 18 // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
	_, _, failed := unix.Syscall(unix.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return failed == 0
}
