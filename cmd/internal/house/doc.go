// Package house keeps the rules of the source tree, as tests: which folder may import which, which modules may be used,
// what every package and every exported identifier must say, what stands at the top of the tree. It holds no code that a
// program uses.
//
// The tests read sources rather than the build's list of packages, so that files of every platform and build tag are
// held to the rules at once, on any machine.
//
// May import: the standard library.
package house
