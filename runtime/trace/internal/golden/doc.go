// Package golden opens the committed golden checkpoint with its cases, for the tests of the packages below runtime/trace.
//
// May import: runtime, tokenizer, vit/picture, weights.
package golden
