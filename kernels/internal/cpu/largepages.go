package cpu

import "unsafe"

// NewWeights is new memory for n weights, on large pages where the system has them. A decoding step reads every weight once, and with
// small pages it waits for addresses as well. Large pages must be asked for before the memory is first written.
func NewWeights[T uint8 | uint16](n int) []T {
	w := make([]T, n)
	if n > 0 {
		AdviseLargePages(unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), n*int(unsafe.Sizeof(w[0]))))
	}
	return w
}
