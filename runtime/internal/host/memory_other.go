//go:build !linux

package host

// AvailableMemory is how many bytes the program may still use, 0: this system is not asked.
func AvailableMemory() int64 { return 0 }

// PeakMemory is the most bytes of memory that the program has had at once, 0: this system is not asked.
func PeakMemory() int64 { return 0 }

// ResetPeakMemory begins PeakMemory anew: nothing here.
func ResetPeakMemory() {}
