//go:build !linux

package kernels

// AdviseLargePages does nothing: only Linux takes such advice.
func AdviseLargePages([]byte) {}
