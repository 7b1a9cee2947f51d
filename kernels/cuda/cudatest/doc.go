// Package cudatest builds a library that stands for the NVIDIA driver, so that tests compute on a GPU's kernels without a GPU: see
// docs/cuda.md.
//
// May import: the standard library.
package cudatest
