// Package reftest holds results to those of a reference: a safetensors file that a script of its own made, with weights under their
// published names and wanted tensors beside them. It is for tests alone.
//
// May import: weights.
package reftest
