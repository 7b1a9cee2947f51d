// Command loupe runs Qwen2-VL, shows what happens inside it, and scores pictures.
//
// One file is one subcommand; none has logic of its own beyond reading flags and printing results.
//
// May import: runtime and its subpackages, weights, tokenizer.
package main
