// Package guard gives tests slices that lie against a page of memory without access, so that a kernel that reads or writes
// one element too many ends the test with a fault instead of passing by luck.
//
// May import: the standard library and golang.org/x/sys/unix.
package guard
