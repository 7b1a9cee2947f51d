// Package loupe runs Qwen2-VL: a directory as Hugging Face ships it and pictures in; text, a score and every number in between out.
//
// # Load
//
// A model is loaded once. Its weights stay where they lie on the disk; nothing is downloaded.
//
//	model, err := loupe.Load("Qwen2-VL-2B-Instruct", loupe.Options{})
//	if err != nil {
//		return err
//	}
//	defer model.Close()
//
// [Embedded] needs no file: it is a small demonstration model of the same architecture, and every example below runs on it.
//
// # Ask
//
// A question is prepared for the model (chat template, tokens, patches, positions), and the prompt may then be run any number of
// times. Tokens come as they are generated; leaving the loop or canceling the context ends the generation.
//
//	prompt, err := model.Prepare(ctx, loupe.Ask("What is in this picture?", image))
//	if err != nil {
//		return err
//	}
//	for token, err := range model.Generate(ctx, prompt, loupe.Generation{MaxTokens: 64}) {
//		if err != nil {
//			return err
//		}
//		fmt.Print(token.Text)
//	}
//
// Pictures come from [Pictures], [Files] or package picture. Decoding is greedy unless [Generation] says otherwise;
// [Model.AsPublished] takes what the model's own generation_config.json asks for.
//
// # Score
//
// A model with a score head tells numbers of a picture. Ask for them with [Model.ScoreInput], which asks in the words that the model
// was taught with: a head that reads behind the question gives another score to other words.
//
//	prompt, err := model.Prepare(ctx, model.ScoreInput(image))
//	...
//	score, err := model.Score(ctx, prompt)
//	fmt.Println(score.Score)
//
// # Look inside
//
// What passes through a model has names that follow Hugging Face's modules, "visual.blocks.7.attn.probs" or "model.layers.3.out".
// [Model.Taps] lists them, and [Model.Trace] shows those that are asked for. Looking changes no bit of the result.
//
//	traced, err := model.Trace(ctx, prompt, loupe.Taps("model.layers.*.out"))
//	...
//	stream, ok := traced.Tap("model.layers.3.out") // Shape and Data, row-major float32
//
// An [Intervention] changes what passes there, [TraceOptions].Grad gives the gradient of a score or a logit at each tap, and
// [Model.Patch] finds which places decide an answer. Maps, lenses and reports are made of these in package trace and below it.
//
// # Errors
//
// Nothing is silent: what is missing, misshapen, unknown or not finite is an error that says what, where and what to do. One about an
// option is an [OptionError], which names the field.
//
// # What holds
//
// A loaded [Model] is read-only: any number of goroutines may use it at once. There is no global state. Everything that a request
// needs (positions, the KV cache, the sampler) belongs to the request. Every result is the same bits for any number of threads, with
// whole or chunked prefill, watched or not, alone or in one pass with others ([Model.Step]), on every machine; [ArithmeticVersion]
// numbers the arithmetic.
//
// # Around it
//
// Package trace looks inside runs; train teaches; audit records decisions and replays them; serve is the studio; bench measures
// speed; demo holds the embedded checkpoint. [Learner] and [Stored] are what these packages ask of a model beyond what users need.
//
// May import: vit, decoder, tokenizer, weights, kernels, runtime/demo; nothing above it.
package loupe
