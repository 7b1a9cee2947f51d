// Package trace turns what a user writes into what a run looks at, and what a run shows into files: interventions from
// JSON, taps to safetensors, npz or a directory of npy files.
//
// May import: runtime, weights, kernels/tensor.
package trace
