package kernels

import "unsafe"

// newWeights is new memory for n weights. Large pages are asked for before the first of them is written: a decoding step reads
// every weight once, and with small pages it waits for addresses as well.
func newWeights[T uint8 | uint16](n int) []T {
	w := make([]T, n)
	if n > 0 {
		AdviseLargePages(unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), n*int(unsafe.Sizeof(w[0]))))
	}
	return w
}
