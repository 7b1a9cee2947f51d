// Package freeorder has products whose sums are in any order, to measure what law 1 costs: nothing of loupe uses them. Law 1 says
// that an output is one chain of fused multiply-adds with k ascending.
//
// A tile of many rows has such a chain in each element of its registers, so that freedom would gain it nothing. A product of one
// row is where it might: with the order free, each row of weights is read from one end to the other with sums side by side, and
// nothing is transposed.
//
//	go test ./kernels/internal/freeorder -bench .
//
// May import: the standard library and golang.org/x/sys/cpu; its tests kernels.
package freeorder
