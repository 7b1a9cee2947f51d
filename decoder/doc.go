// Package decoder is Qwen2-VL's language model: token embeddings with vision rows placed among them, M-RoPE positions,
// grouped-query attention over a paged KV cache, SwiGLU, logits and sampling.
//
// The layers are written in terms of kernels/tensor, top to bottom as in modeling_qwen2_vl.py. Positions and the cache
// belong to a request; a loaded Model is read-only and safe for concurrent requests.
// Where the decoders of model families differ is a [Family].
//
// # Keys and values
//
// A layer asks two things of what holds its keys and values, [KVCache]: Attend, and Commit at the end of a step.
//
//	Cache      one sequence alone
//	Batch      several sequences in one step, each with a cache of its own
//	branches   several continuations of one beginning: [Model.ForwardBranches]
//	NoCache    the step is the whole sequence, and gradients go through it: training
//
// A page holds the keys (after rotary) and values of [DefaultPageRows] positions in all layers, so that it is the unit in which
// memory is taken, counted and shared: 14 MiB for the 2B. Pages come from the [PagePool] of a model and go back to it when no cache
// holds them. A cache writes only to the page that is not full, and only behind the positions that were committed. So a full
// page never changes, and [Cache.Fork] lets two caches hold it; the page that is not full is copied. A cache that would write to
// a page which another one holds is an error.
//
// What may be shared is decided above, by whoever knows that two prompts begin alike: the same ids, at the same M-RoPE
// positions, with the same pixels in the same places, by the same weights, adapter and precision. Ids alone do not tell, since
// all pictures have the same placeholders. Keys and values do not depend on how a prompt was cut into chunks, nor on who ran
// beside it, so a shared beginning gives the bits of one that was read anew. Nothing else of it is kept: one token at least must be read for
// logits, and a score head that reads the decoder's rows needs the whole prompt.
//
// # Many sequences
//
// [Model.ForwardBatch] is one step: some rows of each sequence, one where it decodes and more where it reads its prompt. The rows
// share the products; attention is one job over (sequence, head). Each row has the bits that it has alone. A row that is not
// finite ends its own sequence.
//
// A scheduler is not here. It goes above package runtime, which has what it drives: a Sequence for each answer (its cache,
// sampling, stops and digest) and Model.Step, which takes as many of them on as it is given by one token. What a scheduler adds
// is who runs next, admission by the pages that [PagePool.Stats] counts, and a table of beginnings to fork. Reading prompts in
// chunks beside decoding needs Step to put rows of a prompt into its Batch, which takes them already.
//
// May import: weights, kernels, kernels/tensor.
package decoder
