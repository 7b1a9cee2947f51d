// Command outside is a program of somebody else's that uses loupe as a library. It is a module of its own, so that what it calls is
// what a user can call; `.ci/run` builds and runs it, and compares what it prints.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	loupe "github.com/loupe-vl/loupe/runtime"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	model, err := loupe.Embedded(loupe.Options{})
	if len(os.Args) > 1 {
		model, err = loupe.Load(os.Args[1], loupe.Options{})
	}
	if err != nil {
		return err
	}
	defer model.Close()

	pictures, err := loupe.Pictures(nil) // the one that is part of the program
	if err != nil {
		return err
	}
	image, err := pictures[0].Load(ctx)
	if err != nil {
		return err
	}

	prompt, err := model.Prepare(ctx, model.ScoreInput(image))
	if err != nil {
		return err
	}
	score, err := model.Score(ctx, prompt)
	if err != nil {
		return err
	}
	for _, target := range score.Targets {
		fmt.Printf("%-12s %.1f\n", target.Name, target.Clamped)
	}

	for token, err := range model.Generate(ctx, prompt, loupe.Generation{MaxTokens: 12}) {
		if err != nil {
			return err
		}
		fmt.Print(token.Text)
	}
	fmt.Println()

	traced, err := model.Trace(ctx, prompt, loupe.Taps("visual.merger", "model.norm"))
	if err != nil {
		return err
	}
	for _, tap := range traced.Taps {
		fmt.Println(tap.Name, tap.Shape)
	}

	cold := loupe.Generation{}
	cold.Temperature = -1
	var wrong *loupe.OptionError
	if err := cold.Validate(); errors.As(err, &wrong) {
		fmt.Println(wrong.Field, "is", wrong.Value)
	}
	return nil
}
