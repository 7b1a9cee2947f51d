// Command loupe runs Qwen2-VL, shows what happens inside it, and scores pictures.
//
// Each subcommand has a file. It reads flags and prints results; all other logic is in the library.
//
// May import: runtime and its subpackages, weights, tokenizer.
package main
