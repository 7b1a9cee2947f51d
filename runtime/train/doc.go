// Package train teaches a model from a user's own scored and critiqued pictures: what learns (Full, AddLoRA), how
// (AdamW, Schedule), from what (examples), and the loop over it all.
//
// All arithmetic is float32 in a fixed order, as everywhere in loupe: one seed gives one result, bit for bit, with any
// number of threads.
//
// May import: runtime, runtime/train/metrics, runtime/train/sbert, vit, decoder, tokenizer, weights, kernels/tensor, kernels.
package train
