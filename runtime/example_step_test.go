package loupe_test

import (
	"context"
	"fmt"
	"log"

	"github.com/loupe-vl/loupe/decoder"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// Several answers are taken on together, a token each in one pass, so that the weights are read once for all. Here they have one prompt,
// which is read once too. Each says what it would say alone.
func ExampleModel_Step() {
	ctx := context.Background()
	model, image := open()
	defer model.Close()
	prompt, err := model.Prepare(ctx, model.ScoreInput(image))
	if err != nil {
		log.Fatal(err)
	}
	greedy, err := model.Answer(ctx, prompt, loupe.Generation{MaxTokens: 12})
	if err != nil {
		log.Fatal(err)
	}
	live := []*loupe.Sequence{greedy.Sequence}
	for _, seed := range []uint64{0, 4} {
		drawn, err := greedy.Fork(ctx, loupe.Generation{MaxTokens: 12, Sampling: decoder.Sampling{Temperature: 1, Seed: seed}})
		if err != nil {
			log.Fatal(err)
		}
		live = append(live, drawn)
	}

	texts := map[*loupe.Sequence]string{}
	all := live
	for len(live) > 0 {
		var goOn []*loupe.Sequence
		for _, s := range live {
			token, err := s.Next()
			if err != nil {
				log.Fatal(err)
			}
			if texts[s] += token.Text; token.Finish == "" {
				goOn = append(goOn, s)
			}
		}
		if err := model.Step(ctx, goOn); err != nil {
			log.Fatal(err)
		}
		live = goOn
	}
	for _, s := range all {
		fmt.Println(texts[s])
	}
	// Output:
	// This cityscape shows brilliant originality, sound color, brilliant texture,
	// A cityscape. Its color is sound, its texture brilliant;
	// In this cityscape the content is sound and the composition sound,
}
