// Package disk reads and writes files for all of loupe. It opens regular files only, reads no more than a given limit,
// stops when its context ends, and writes files whole or not at all.
//
// May import: the standard library and golang.org/x/sys, nothing of loupe, so that every other package may use it.
package disk
