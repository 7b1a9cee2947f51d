package demo

import (
	"embed"
	"io/fs"
)

// Notice says what the embedded checkpoint is worth, in one sentence; whatever shows its results shows this too.
const Notice = "This is the embedded demonstration model: it has learned from pictures of `loupe demo paint` alone, " +
	"and knows no others, so of any other picture its scores and words mean nothing."

// The files are named one by one, so that a build fails when one of them is missing.
//
//go:embed model/config.json model/generation_config.json model/preprocessor_config.json
//go:embed model/tokenizer.json model/tokenizer_config.json model/chat_template.json
//go:embed model/model.safetensors model/score_head.json model/score_head.safetensors
var model embed.FS

//go:embed picture.png
var picture string

// FS is the checkpoint as a file system whose root is the model directory: config.json, tokenizer.json,
// model.safetensors, score_head.json and so on. It is read-only and safe for concurrent use.
func FS() fs.FS {
	root, err := fs.Sub(model, "model")
	if err != nil {
		panic(err) // fs.Sub refuses only names that are not valid paths, and this one is
	}
	return root
}

// Picture is a PNG that the painter painted, from a seed that the model has not seen. Each call returns a copy.
func Picture() []byte { return []byte(picture) }
