//go:build !amd64 || purego

package kernels

// secondLevelCache is 0: it is not known.
func secondLevelCache() int { return 0 }
