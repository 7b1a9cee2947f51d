//go:build amd64 && !purego && !linux

package cpu

// allowTiles is false: it is not known how to ask this system for the tiles of AMX.
func allowTiles() bool { return false }
