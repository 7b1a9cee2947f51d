// Package lens reads the inside of a run: the words that a layer's residual stream decodes to (logit lens), what each
// layer, head and MLP adds to a logit (direct logit attribution), the words nearest to a picture's tokens, the principal
// components of patch embeddings as colors, what linear probes can predict, and the similarity of layers or models (CKA).
//
// Everything is computed from taps of the model's own pass.
//
// May import: runtime, decoder, weights, kernels/tensor, kernels.
package lens
