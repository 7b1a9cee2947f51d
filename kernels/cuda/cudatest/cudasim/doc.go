// Command cudasim builds the fake driver, for LOUPE_CUDA_LIBRARY to name:
//
//	go run ./kernels/cuda/cudatest/cudasim OUT.so
//
// It runs from the top of the tree and needs g++.
//
// May import: kernels/cuda/cudatest.
package main
