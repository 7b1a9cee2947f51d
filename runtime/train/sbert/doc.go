// Package sbert is a sentence encoder: text in, a vector out whose cosine with another's says how near the two meanings
// are (Reimers and Gurevych, arXiv 1908.10084). It runs BERT encoders in the layout of sentence-transformers, such as
// all-MiniLM-L6-v2, in exact float32 on the project's own kernels: one encoder gives one text the same bits on any machine
// and with any number of threads.
//
//	e, err := sbert.Load("all-MiniLM-L6-v2", engine)
//	...
//	a, err := e.Embed(ctx, "The light is bold.")
//	near := sbert.Cosine(a, b)
//
// Texts run one by one, so that there is no padding and no mask.
//
// May import: tokenizer, weights, kernels/tensor, kernels.
package sbert
