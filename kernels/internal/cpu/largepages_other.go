//go:build !linux

package cpu

// AdviseLargePages does nothing: only Linux takes such advice.
func AdviseLargePages([]byte) {}
