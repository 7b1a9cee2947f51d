package main

import (
	"context"
	"encoding/json"
	"fmt"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/runtime/serve/tour"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
)

// folder holds what the page shows beside its text.
const folder = "anatomy"

// question is the conversation as `loupe trace --messages` takes it from the module's root.
type question []struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

func newQuestion() question {
	type part struct {
		Type string `json:"type"`
		Path string `json:"path,omitempty"`
		Text string `json:"text,omitempty"`
	}
	return question{
		{"system", loupe.Rubric},
		{"user", []part{{Type: "image", Path: "runtime/demo/picture.png"}, {Type: "text", Text: loupe.DefaultQuestion}}},
	}
}

// build makes the page and what belongs to it: the content of each file by its path below docs.
func build(ctx context.Context) (map[string][]byte, error) {
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	img, err := picture.Decode(ctx, demo.Picture(), picture.Limits{})
	if err != nil {
		return nil, err
	}
	asked, err := json.MarshalIndent(newQuestion(), "", "  ")
	if err != nil {
		return nil, err
	}
	messages, err := tokenizer.ParseMessages(asked)
	if err != nil {
		return nil, err
	}
	prompt, err := m.Prepare(ctx, loupe.Input{Messages: messages, Images: []picture.Image{img}})
	if err != nil {
		return nil, err
	}
	steps, err := tour.Walk(ctx, tour.Run{Model: m, Prompt: prompt, Width: img.Width, Height: img.Height})
	if err != nil {
		return nil, err
	}
	drawn, err := draw(ctx, m, prompt, steps)
	if err != nil {
		return nil, err
	}
	text, err := page(m, steps, drawn)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"anatomy.md": text, folder + "/question.json": append(asked, '\n')}
	for _, d := range drawn {
		files[fmt.Sprintf("%s/%s", folder, d.File)] = d.png
	}
	return files, nil
}
