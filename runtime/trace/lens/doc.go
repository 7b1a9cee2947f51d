// Package lens reads off what the inside of a run already says: the words that a layer's residual stream amounts to, which
// layers, heads and perceptrons a logit is the sum of, the words nearest to a picture's tokens, the main directions of patch
// embeddings as colors, and how alike two layers, or two models, are.
//
// Everything is computed from taps of the model's own pass.
//
// May import: runtime, decoder, weights, kernels/tensor, kernels.
package lens
