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
// # Where do I put a layout of weights
//
// A checkpoint that stores a linear map in other tensors than NAME.weight has a scheme: a value of quantization.go's type, in a file
// of its own, that says which quant_method of config.json asks for it, reads its settings, knows its tensors by the ends of their names
// and makes a [kernels.Layout] of them. A layout is a type with two methods, Dequantize and Bytes. packed.go is the scheme of
// `loupe quantize`, and TestNewScheme has another. A map that lacks the scheme's tensors is read from NAME.weight: that is how
// modules_to_not_convert and ignore come to be.
//
// On paper, for those that come next (w is the weight at output o and input i, g the inputs of a group):
//
//   - awq.go, method "awq": .qweight I32 (in, out/8), .qzeros, .scales F16 (in/g, out). settings: bits 4, group_size, zero_point, and version
//     "gemm" or a refusal. Dequantize of rows [r, r+rows) reads words r/8 of each input and takes nibble order[r%8], order = 0 4 1 5 2 6 3 7:
//     w = (q-z)*s. The scales are halves and g a multiple of 32, so a second function makes [kernels.PackedWeights] with ZeroPoints of it,
//     without loss: that is what `--precision int4` takes, and exact takes the layout.
//   - gptq.go, "gptq": .qweight I32 (in*bits/32, out), .qzeros I32 (in/g, out*bits/32), .scales, .g_idx I32 (in). settings: bits, group_size,
//     desc_act, checkpoint_format: "gptq" stores z-1, "gptq_v2" z. Dequantize looks the group of an input up in g_idx, so the sum goes
//     by ascending inputs, and act-order needs nothing else. Without act-order it packs as AWQ does.
//   - compressed.go, "compressed-tensors": format "pack-quantized" (.weight_packed, .weight_scale, .weight_shape, .weight_zero_point),
//     "int-quantized" and "float-quantized" are three layouts of one scheme; what settings names else is refused by its name. Scales are of the
//     model's type: bfloat16 ones are kept as they are, and packing is refused where a half does not hold them.
//   - fp8.go, "fp8": .weight F8_E4M3 (out, in), .weight_scale_inv (ceil(out/128), ceil(in/128)); w = table[byte]*scale, a table of 256
//     numbers. 7f and ff are NaN, which the check for numbers that are not finite tells of. There is no integer form: exact and bf16 only.
//   - nf4.go, "bitsandbytes": .weight U8 with .weight.quant_map, .absmax and quant_state, first element in the high half; element o*in+i is
//     map[nibble]*absmax[(o*in+i)/64]. Dequantize computes that index; rows need not be whole blocks.
//   - gguf/, no method, since a GGUF file is no safetensors checkpoint: a [Source] and [LinearSource] of its own over the map. A layout for each
//     type of block (Q8_0, Q4_0, Q4_K, Q5_K, Q6_K), whose Dequantize goes over the blocks of a row that [c, c+cols) touches.
//
// bf16 rounds what Dequantize gives, once, at load ([kernels.Engine.BF16Products]); int8 and int4 quantize it again, or pack it where that
// loses nothing. An adapter, a backward and a row of a table work with each of them, since they ask for float32.
//
// It may import the standard library, golang.org/x/sys (maps), x448/float16
// (half floats), gonum/stat (statistics), dlclark/regexp2 (the expressions of
// adapters, which are Python's) and, of loupe, only weights/disk (files) and
// kernels and kernels/tensor, whose operands it builds from tensors.
package weights
