// Command gen writes the embedded demonstration checkpoint and its picture, all from one seed:
//
//	go run ./runtime/demo/gen
//
// from the module's root, or go generate ./runtime/demo. It writes the same files on every machine: random numbers come
// from an algorithm that is fixed by its definition (PCG), near-normal ones are sums of integers, the picture is painted
// with integers, and every float expression rounds where it is written.
//
//   - shape.go: the shape of the model
//   - tensors.go: its weights and those of the score head
//   - corpus.go, bpe.go, tokenizer.go: a text about paintings, a trainer of byte-level BPE, the tokenizer's files
//   - configs.go: config.json and its companions
//   - paint.go: the picture
//
// chat_template.jinja is the template that Qwen publishes with Qwen2-VL-2B-Instruct, under the Apache License 2.0.
//
// May import: weights and the standard library.
package main
