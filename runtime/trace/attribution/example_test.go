package attribution_test

import (
	"context"
	"fmt"
	"log"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/vit/picture"
)

// The parts of a score, cell by cell, and what they add up to.
func ExampleCompute() {
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	img, err := picture.Decode(context.Background(), demo.Picture(), picture.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	prompt, err := m.Prepare(context.Background(), loupe.Ask(loupe.DefaultQuestion, img))
	if err != nil {
		log.Fatal(err)
	}
	parts, err := attribution.Compute(context.Background(), m, prompt, attribution.Contribution, attribution.Options{})
	if err != nil {
		log.Fatal(err)
	}
	sum := parts.Sum.Base
	for _, v := range parts.All() {
		sum += v
	}
	sum += parts.Elsewhere
	sum += parts.Sum.Remainder
	fmt.Println("a cell for each merged token:", len(parts.All()) == len(prompt.Images.At))
	fmt.Println("the parts add up:", sum == parts.Sum.Total)
	// Output:
	// a cell for each merged token: true
	// the parts add up: true
}
