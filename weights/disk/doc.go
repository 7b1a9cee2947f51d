// Package disk is how loupe touches files: it opens regular files and nothing else, reads no more than a stated limit, and
// stops when it is told to.
//
// May import: the standard library and golang.org/x/sys, nothing of loupe, so that every other package may use it.
package disk
