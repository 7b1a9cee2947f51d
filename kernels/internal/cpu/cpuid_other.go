//go:build !amd64 || purego

package cpu

// SecondLevelCache is 0: its size is not known.
func SecondLevelCache() int { return 0 }
