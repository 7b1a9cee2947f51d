// Package vit is Qwen2-VL's vision tower: patches in, one feature row for each 2x2 block of patches out, and the score
// head that reads such features.
//
// The tower is written in terms of kernels/tensor, top to bottom as in the paper (arXiv 2409.12191) and in
// modeling_qwen2_vl.py. Pictures become patches in vit/picture; JPEG is decoded in vit/jpeg.
//
// May import: weights, kernels, kernels/tensor, vit/picture.
package vit
