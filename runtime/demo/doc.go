// Package demo is the demonstration model that is part of the program: a checkpoint of Qwen2-VL in the layout that Hugging
// Face ships (model/), small enough to embed, with a score head and a picture to try it on. It lets every command run
// where nothing has been downloaded. Its weights are random: see [Notice].
//
// The files are written by the program in gen, from a seed. It writes the same bytes on every machine:
//
//	go run ./runtime/demo/gen
//
// May import: the standard library; gen may import weights as well. tokenizer, vit/picture and kernels are open to both.
package demo

//go:generate go run ./gen -out .
