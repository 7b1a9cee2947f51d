// Package trace reads interventions from JSON, and writes the taps of a run to safetensors, npz or a directory of npy
// files.
//
// May import: runtime, weights, kernels/tensor.
package trace
