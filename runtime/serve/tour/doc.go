// Package tour follows one picture through the model, step by step, with the real numbers of a run: resizing, patches,
// rotary positions, one head, the merger, M-RoPE, a decoder layer, logits and the score. The studio shows it on its page; a
// program can write it down.
//
// May import: runtime, runtime/trace/attribution, vit, decoder, kernels/tensor, kernels.
package tour
