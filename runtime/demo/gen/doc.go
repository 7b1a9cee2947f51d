// Command gen is what train.sh makes the embedded demonstration model with, beside loupe itself:
//
//	gen -init DIR                    an untrained model, from a seed
//	gen -pack DIR -out runtime/demo  a trained one as it is embedded, in bf16, and the picture
//	gen -words DATA < CRITIQUES      how often critiques name what is to be seen
//
// It writes the same files on every machine: random numbers come from an algorithm that is fixed by its definition (PCG),
// near-normal ones are sums of integers, and every float expression rounds where it is written.
//
//   - shape.go: the shape of the model
//   - tensors.go, filters.go: its weights before it has learned
//   - corpus.go, bpe.go, tokenizer.go: critiques, a trainer of byte-level BPE, the tokenizer's files
//   - configs.go: config.json and its companions
//   - pack.go: what is embedded
//   - words.go: what the critiques are worth
//
// chat_template.jinja is the template that Qwen publishes with Qwen2-VL-2B-Instruct, under the Apache License 2.0.
//
// May import: runtime/demo/paint, weights, kernels and the standard library.
package main
