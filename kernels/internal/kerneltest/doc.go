// Package kerneltest runs a test on every implementation of a kernel by name, and compares numbers bit by bit.
//
// May import: the standard library. Imported by tests only.
package kerneltest
