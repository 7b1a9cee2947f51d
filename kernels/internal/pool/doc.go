// Package pool runs a job on some threads: the workers behind every product and every row of a model.
//
// May import: the standard library only.
package pool
