// Package cpu is the device that is the processor: its memory is the program's own, and its operations go over rows, on the
// workers of an engine.
//
// An operation unwraps its operands once and then works on slices. What decoding does with a row at a time allocates nothing.
//
// May import: kernels, kernels/host, kernels/attention, kernels/num, kernels/vec.
package cpu
