// Package attribution asks which parts of a picture an answer or a score rests on: attention, followed through one layer or
// all of them, gradients, changed pixels, and the exact parts of a linear score head. A [Map] holds the result on the
// picture's true grid. [Measure] tells how faithful a map is.
//
// Everything is computed from taps and gradients of the model's own pass. Sums are in float64 and in a fixed order, so that
// a map has the same bits on every machine.
//
// Attention says where a layer read, not why an answer came out. Measure tells how much a map is worth.
//
// May import: runtime, vit, decoder, weights, kernels/tensor, kernels.
package attribution
