//go:build amd64 && !purego && !linux

package kernels

// askForTiles reports that this system is not asked for the tiles of AMX.
func askForTiles() bool { return false }
