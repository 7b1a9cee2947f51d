// Package train teaches a model from a user's own scored and critiqued pictures: what learns (Full, AddLoRA), how
// (AdamW, Schedule), from what (examples), and the loop over it all.
//
// Everything is float32 in a written order (the laws of the whole project), so that one seed gives one result, bit for
// bit, whatever the threads.
//
// May import: runtime, runtime/train/metrics, runtime/train/sbert, vit, decoder, tokenizer, weights, kernels/tensor, kernels.
package train
