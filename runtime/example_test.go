package loupe_test

import (
	"context"
	"fmt"
	"log"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/vit/picture"
)

// open is what an example begins with. With a checkpoint on disk it is loupe.Load(dir, loupe.Options{}) and
// picture.LoadFile(path, picture.Limits{}).
func open() (*loupe.Model, picture.Image) {
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		log.Fatal(err)
	}
	img, err := picture.Decode(demo.Picture(), picture.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	return m, img
}

func ExampleModel_Score() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(loupe.Ask(loupe.ScorePrompt, img))
	if err != nil {
		log.Fatal(err)
	}
	score, err := m.Score(context.Background(), prompt)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range score.Targets {
		fmt.Println(t.Name, 1 <= t.Clamped && t.Clamped <= 100)
	}
	// Output:
	// score true
	// originality true
	// color true
	// texture true
	// composition true
	// content true
}

func ExampleModel_Generate() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(loupe.Ask("What does this picture show?", img))
	if err != nil {
		log.Fatal(err)
	}
	n := 0
	for token, err := range m.Generate(context.Background(), prompt, loupe.Generation{MaxTokens: 5}) {
		if err != nil {
			log.Fatal(err) // token.Text is what to print; the embedded model's words mean nothing
		}
		n++
		if token.Finish != "" {
			fmt.Println(n, "tokens, then", token.Finish)
		}
	}
	// Output: 5 tokens, then length
}

func ExampleModel_Trace() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(loupe.Ask("What does this picture show?", img))
	if err != nil {
		log.Fatal(err)
	}
	look := loupe.TraceOptions{Taps: []string{"visual.blocks.0.attn.probs.*"}}
	traced, err := m.Trace(context.Background(), prompt, look, func(t loupe.Tap) error {
		fmt.Println(t.Name, "has a row for each head and patch:", t.Shape[1] == t.Shape[2])
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}

	// The same pass with the first head of the first block put out.
	look.Interventions = []loupe.Intervention{{Tap: "visual.blocks.0.attn.heads", Op: tensor.Zero, Head: 0}}
	changed, err := m.Trace(context.Background(), prompt, look, func(loupe.Tap) error { return nil })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the score moved:", traced.Score.Score != changed.Score.Score)
	// Output:
	// visual.blocks.0.attn.probs.0 has a row for each head and patch: true
	// the score moved: true
}
