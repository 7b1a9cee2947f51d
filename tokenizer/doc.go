// Package tokenizer turns text into token ids and back the way Hugging Face's
// Qwen2 tokenizer does, and renders chat messages with a checkpoint's own
// template.
//
//   - Tokenizer: byte-level BPE with added tokens, from tokenizer.json or from
//     vocab.json and merges.txt; Stream decodes ids one at a time.
//   - Message and Part: a conversation; ParseMessages reads the JSON form.
//   - ChatTemplate: the checkpoint's Jinja template, run by the package jinja.
//   - WordPiece: the tokenizer of BERT, which encoders of sentences use.
//
// A rendered prompt has one placeholder for each picture; runtime's Prepare
// repeats it for each of the picture's merged patches.
//
// It may import the standard library, tokenizer/jinja, gotokenizers, regexp2 and
// golang.org/x/text; of this module only weights/disk.
package tokenizer
