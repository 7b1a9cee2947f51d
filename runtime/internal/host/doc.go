// Package host asks the system about memory: how much is free, and how much this program has used.
//
// May import: the standard library.
package host
