//go:build !linux && !darwin

package disk

// Free is how many bytes may still be written under a directory, 0 where that is not known.
func Free(string) int64 { return 0 }
