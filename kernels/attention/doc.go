// Package attention computes attention on the processor, forward and backward.
//
// Every (head, block of queries) is computed independently of the others, so that no result depends on threads, on the size of a
// block or on how the sequence was cut into chunks. Few queries are rows of scores (rows.go); many are columns, a panel of them
// side by side, which the kernels multiply without packing (tiled.go). Both have the same bits. Both hold true
// probability rows in scratch, so that an inspector can be shown them.
//
// May import: kernels, kernels/host.
package attention
