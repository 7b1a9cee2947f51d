// Package loupe is Qwen2-VL, assembled: a directory as Hugging Face ships it in, tokens, a score and every number in
// between out.
//
//	m, err := loupe.Load("Qwen2-VL-2B-Instruct", loupe.Options{})
//	...
//	in := loupe.Ask("What is in this picture?", img)
//	for token, err := range m.Generate(ctx, in, loupe.Generation{MaxTokens: 64}) { ... }
//
// A loaded [Model] is read-only: any number of goroutines may use it at once. There is no global state. Everything that a
// request needs (positions, the KV cache, the sampler) belongs to the request, and every result is the same bits for any
// number of threads, whole or chunked prefill, watched or not.
//
// Subpackages: demo holds the embedded demonstration checkpoint; trace looks inside runs; train teaches; audit records
// decisions and replays them; serve is the studio; bench measures speed.
//
// May import: vit, decoder, tokenizer, weights, kernels, runtime/demo; nothing above it.
package loupe
