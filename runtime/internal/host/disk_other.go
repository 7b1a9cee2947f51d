//go:build !linux && !darwin

package host

// FreeDisk is how many bytes may still be written under a directory, 0 where that is not known.
func FreeDisk(string) int64 { return 0 }
