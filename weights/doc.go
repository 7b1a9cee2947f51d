// Package weights is the boundary between a model on disk and the rest of
// loupe: safetensors files (memory-mapped in, streamed out), checkpoints of one
// file or many, config.json and its companions, digests and statistics.
//
// Everything read here is hostile until checked: a header, an index or a config
// is refused with an error that names the file, the tensor or key, and what to
// do about it. Tensor data is never copied: a [Tensor] is a view into the map.
// No default stands in for a value that was not there, except those in the one
// table of configdefaults.go, each with its reason.
//
// It may import the standard library, golang.org/x/sys (maps), x448/float16
// (half floats), gonum/stat (statistics), dlclark/regexp2 (the expressions of
// adapters, which are Python's) and, of loupe, only weights/disk (files) and
// kernels and kernels/tensor, whose operands it builds from tensors.
package weights
