// Package vit is Qwen2-VL's vision tower: patches in, one feature row for each 2x2 block of patches out, and the score
// head that reads such features.
//
// The tower is written in terms of kernels/tensor, top to bottom as in the paper (arXiv 2409.12191) and in
// modeling_qwen2_vl.py. Pictures become patches in vit/picture; JPEG is decoded in vit/jpeg.
//
// [Tower] is what all families share: patch embedding, places, and blocks one after the other. A [Family] says what the blocks
// and the merger are, and which rows of each block attend to each other ([Segments]). qwen2vl.go is the one family; a tower of
// another, whose blocks attend in windows, is windows_test.go.
//
// May import: weights, kernels, kernels/tensor, vit/picture.
package vit
