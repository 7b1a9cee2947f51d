// Package cpu tells what the processor has, and asks it and the system for favors: lines into the cache, large pages, the tiles of AMX.
//
// It holds what golang.org/x/sys/cpu does not tell, and each set of instructions that kernels need together under one name, so that no
// two packages ask for them in different ways.
//
// May import: the standard library and golang.org/x/sys.
package cpu
