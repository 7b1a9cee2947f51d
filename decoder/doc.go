// Package decoder is Qwen2-VL's language model: token embeddings with vision rows placed among them, M-RoPE positions,
// grouped-query attention over a paged KV cache, SwiGLU, logits and sampling.
//
// The layers are written in terms of kernels/tensor, top to bottom as in modeling_qwen2_vl.py. Positions and the cache
// belong to a request; a loaded Model is read-only and safe for concurrent requests.
//
// May import: weights, kernels, kernels/tensor.
package decoder
