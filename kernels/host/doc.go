// Package host reads arrays of a device whose memory is the program's own, as slices.
//
// May import: kernels.
package host
