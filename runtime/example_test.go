package loupe_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"

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
	img, err := picture.Decode(context.Background(), demo.Picture(), picture.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	return m, img
}

// Load a model, score a picture, and let it say why: the same numbers and words on every machine.
func Example() {
	ctx := context.Background()
	model, err := loupe.Embedded(loupe.Options{}) // or loupe.Load("Qwen2-VL-2B-Instruct", loupe.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	pictures, err := loupe.Pictures(nil) // or []string{"painting.jpg"}; nil is the picture that is part of the program
	if err != nil {
		log.Fatal(err)
	}
	image, err := pictures[0].Load(ctx)
	if err != nil {
		log.Fatal(err)
	}
	prompt, err := model.Prepare(ctx, model.ScoreInput(image))
	if err != nil {
		log.Fatal(err)
	}
	score, err := model.Score(ctx, prompt)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f of 100\n", score.Score)

	for token, err := range model.Generate(ctx, prompt, loupe.Generation{MaxTokens: 12}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(token.Text)
	}
	// Output:
	// 68.6 of 100
	// This cityscape shows brilliant originality, sound color, brilliant texture,
}

// Every target of the score head, as the head computes it and within the bounds in which it is shown.
func ExampleModel_Score() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(context.Background(), m.ScoreInput(img))
	if err != nil {
		log.Fatal(err)
	}
	score, err := m.Score(context.Background(), prompt)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range score.Targets {
		fmt.Printf("%s %.2f\n", t.Name, t.Clamped)
	}
	// Output:
	// score 68.57
	// originality 86.79
	// color 52.49
	// texture 97.29
	// composition 45.16
	// content 69.04
}

// Ask asks anything, in the caller's own words; what comes next is drawn where a temperature is given.
func ExampleModel_Generate() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(context.Background(), loupe.Ask("What does this picture show?", img))
	if err != nil {
		log.Fatal(err)
	}
	g := loupe.Generation{MaxTokens: 5}
	g.Temperature, g.Seed = 0.7, 1
	for token, err := range m.Generate(context.Background(), prompt, g) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q %.3f\n", token.Text, token.LogProb)
		if token.Finish != "" {
			fmt.Println("ended by", token.Finish)
		}
	}
	// Output:
	// "This" -0.867
	// " strong" -0.177
	// " plain" -0.009
	// " plain" -0.028
	// " plain" -0.333
	// ended by length
}

// Encode runs the vision tower alone: a row of features for each place of the picture, as the decoder reads them.
func ExampleModel_Encode() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(context.Background(), m.ScoreInput(img))
	if err != nil {
		log.Fatal(err)
	}
	rows, _, err := m.Encode(context.Background(), prompt)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rows.Rows, "rows of", rows.Cols)
	// Output:
	// 20 rows of 192
}

// An error about an option names the field, what it was and what to give.
func ExampleOptionError() {
	_, err := loupe.Embedded(loupe.Options{Precision: "fp8"})
	var wrong *loupe.OptionError
	if errors.As(err, &wrong) {
		fmt.Printf("%s is %v\n", wrong.Field, wrong.Value)
	}
	fmt.Println(err)
	// Output:
	// Options.Precision is fp8
	// load model embedded: Options.Precision is "fp8"; use exact, bf16, int8, int4, bf16-mma
}

func ExampleModel_Trace() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(context.Background(), loupe.Ask("What does this picture show?", img))
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

// What is inside comes by name: the residual stream after every layer of the decoder.
func ExampleTaps() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(context.Background(), loupe.Ask("What does this picture show?", img))
	if err != nil {
		log.Fatal(err)
	}
	traced, err := m.Trace(context.Background(), prompt, loupe.Taps("model.layers.*.out"))
	if err != nil {
		log.Fatal(err)
	}
	for layer := range m.Config.Text.NumHiddenLayers {
		tap, ok := traced.Tap(fmt.Sprintf("model.layers.%d.out", layer))
		fmt.Println(tap.Name, ok, tap.Shape[0] == len(prompt.IDs))
	}
	// Output:
	// model.layers.0.out true true
	// model.layers.1.out true true
	// model.layers.2.out true true
}

// Large taps may be taken in parts, whose memory is lent: nothing of a run is kept.
func ExampleTraceOptions_parts() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(context.Background(), loupe.Ask("What does this picture show?", img))
	if err != nil {
		log.Fatal(err)
	}
	look := loupe.Taps("visual.blocks.*.attn.probs.0")
	most := map[string]float32{}
	look.Parts = func(p loupe.Part) error {
		most[p.Name] = max(most[p.Name], slices.Max(p.Data))
		return nil
	}
	if _, err := m.Trace(context.Background(), prompt, look); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(most) == m.Config.Vision.Depth)
	// Output: true
}

// A gradient says which numbers inside a target depends on, and an intervention changes them.
func ExampleTraceOptions_With() {
	m, img := open()
	defer m.Close()
	prompt, err := m.Prepare(context.Background(), loupe.Ask("What does this picture show?", img))
	if err != nil {
		log.Fatal(err)
	}
	look := loupe.Taps("model.layers.2.self_attn.heads")
	target, err := loupe.ParseGradTarget("diff:' strong',' weak'", m.Tokenizer)
	if err != nil {
		log.Fatal(err)
	}
	look.Grad = &target
	plain, err := m.Trace(context.Background(), prompt, look)
	if err != nil {
		log.Fatal(err)
	}
	gradient, _ := plain.Tap("d/model.layers.2.self_attn.heads")
	fmt.Println("a gradient at", gradient.Name)

	half := loupe.Intervention{Tap: "model.layers.2.self_attn.heads", Op: tensor.Scale, Scale: 0.5, Head: 1, Rows: []int{-1}}
	changed, err := m.Trace(context.Background(), prompt, look.With(half))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the logits changed:", plain.Digest != changed.Digest)
	// Output:
	// a gradient at d/model.layers.2.self_attn.heads
	// the logits changed: true
}

// Activation patching: which positions of which layers bring the first prompt's answer back when the second runs.
func ExampleModel_Patch() {
	m, _ := open()
	defer m.Close()
	var prompts []*loupe.Prompt
	for _, word := range []string{"warm", "cool"} {
		p, err := m.Prepare(context.Background(), loupe.Ask("The palette is "+word+"."))
		if err != nil {
			log.Fatal(err)
		}
		prompts = append(prompts, p)
	}
	answers := [2]int{5, 9} // the tokens whose logits are held against each other
	found, err := m.Patch(context.Background(), prompts[0], prompts[1], loupe.PatchOptions{Answers: &answers})
	if err != nil {
		log.Fatal(err)
	}
	last := found.Restored[len(found.Layers)-1]
	fmt.Println("the last layer's stream at the last position restores", last[len(last)-1])
	// Output: the last layer's stream at the last position restores 1
}
