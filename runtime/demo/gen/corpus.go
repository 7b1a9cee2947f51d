package main

import "github.com/loupe-vl/loupe/runtime/demo/paint"

// prompts are said once to every few critiques: what the model is asked, numbers, and characters of other kinds.
var prompts = []string{
	"You are a helpful assistant.",
	"You are an art critic. Score the painting from 1 to 100 on five dimensions: originality (is the idea new?), color (harmony and contrast), texture (brushwork and surface), " +
		"composition (balance and focus) and content (what it says). Then write a short critique.",
	"Score this painting.",
	"Describe this picture. What is the light doing? Where does the eye go first? Which colours are used?",
	"system\nuser\nassistant\n",
	"It's late; I'm sure they've seen it, we'll look again, you're right, don't wait, he'd agree.",
	"Une façade dorée, ein schönes Gemälde, una pintura pequeña, картина, 绘画, 絵画 🎨",
}

// critiques is how many the corpus has, beside the prompts.
const critiques = 2000

// corpus is the text that the tokenizer is trained on, a piece at a time: critiques as the painter writes them.
func corpus() []string {
	var out []string
	for i, c := range paint.Critiques(seed, critiques) {
		out = append(out, c+"\n")
		if i%40 == 0 {
			out = append(out, prompts...)
		}
	}
	return out
}
