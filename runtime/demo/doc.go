// Package demo is the demonstration model that is part of the program: a checkpoint of Qwen2-VL in the layout that Hugging
// Face ships (model/), small enough to embed, with a score head and a picture to try it on. It lets every command run where
// nothing has been downloaded. It was trained on the pictures of package paint and knows no others: see [Notice] and
// docs/demo-model.md.
//
// The files are made by train.sh, from random weights and with loupe's own train; gen is the program that makes what it
// starts from and packs what comes out. train.log is what the script said. It makes the same bytes on every machine:
//
//	runtime/demo/train.sh WORK
//
// May import: the standard library; gen and paint may import weights, tokenizer, vit/picture and kernels as well.
package demo
