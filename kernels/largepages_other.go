//go:build !linux

package kernels

// adviseLargePages does nothing: only Linux takes such advice.
func adviseLargePages([]byte) {}
