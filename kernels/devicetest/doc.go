// Package devicetest has a device for tests whose memory is not the program's: a heap of its own, known by handles. Whatever
// above the devices reads or writes a tensor as if it lay on the host panics there, by the name of what it did; memory that was
// given back holds NaN, and using it panics; new memory holds NaN, too. It computes what the processor computes, to the bit: a
// model that gives the same numbers on both assumes nothing of host memory, and is ready for a graphics card.
//
// Only tests use it. May import: kernels, kernels/cpu.
package devicetest
