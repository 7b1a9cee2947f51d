package main

import (
	"fmt"
	"strings"

	"github.com/loupe-vl/loupe/weights/option"
	"github.com/spf13/cobra"
)

// called says for each option that an error of the library may name what people write for it on the command line. A test holds that
// each field is there, and that the flag exists; a text without dashes in front is a word or a command.
var called = map[string]string{
	"loupe.Load":           "--model",
	"Options.Adapter":      "--adapter",
	"Options.Device":       "--device",
	"Options.DeviceLayers": "--device-layers",
	"Options.Head":         "--head",
	"Options.Kernels":      "--kernels",
	"Options.MaxPixels":    "--max-pixels",
	"Options.MinPixels":    "--min-pixels",
	"Options.Precision":    "--precision",
	"Options.Threads":      "--threads",

	"Files.FPS":      "--fps",
	"Files.Images":   "--image",
	"Files.Messages": "--messages",
	"Files.System":   "--system",
	"Files.Text":     "the prompt",
	"Files.Videos":   "--video",

	"Input.Images": "--image",
	"Input.Videos": "--video",

	"Generation.MaxTokens":         "--max-tokens",
	"Generation.MinP":              "--min-p",
	"Generation.RepetitionPenalty": "--repetition-penalty",
	"Generation.Seed":              "--seed",
	"Generation.Stop":              "--stop",
	"Generation.Temperature":       "--temperature",
	"Generation.TopK":              "--top-k",
	"Generation.TopP":              "--top-p",

	"Model.Taps":           "`loupe trace --list`",
	"PatchOptions.Answers": "--answers",
	"TraceOptions.Grad":    "--grad",
	"TraceOptions.Steps":   "--steps",
	"TraceOptions.Taps":    "--tap",

	"attribution.Options.Baseline": "--baseline",
	"attribution.Options.Steps":    "--steps",
	"attribution.Options.Stride":   "--stride",
	"attribution.Options.Tower":    "--tower",
	"attribution.Options.Window":   "--window",
	"figure.Style.Colors":          "--colors",
	"lens.LogitOptions.Top":        "--top",
	"report.LensOptions.Layers":    "--layers",
	"report.LensOptions.Positions": "--positions",
	"report.LensOptions.Top":       "--top",

	"QuantizeOptions.Group":      "--group",
	"QuantizeOptions.Precision":  "--precision",
	"QuantizeOptions.ZeroPoints": "--zero-points",

	"bench.Options.Answer": "--answer",
	"bench.Options.Batch":  "--batch",
	"bench.Options.Each":   "--seconds",
	"bench.Options.Tokens": "--tokens",
	"bench.Options.What":   "--what",

	"audit.Open":                 "--key",
	"audit.RedactOptions.Shared": "--shared",
	"modelsig.Sign":              "`loupe inspect DIR --sign KEY`",

	"sbert.Load":                    "--sbert",
	"train.EvalOptions.Encoder":     "--sbert",
	"train.EvalOptions.Raters":      "--raters",
	"train.Evaluate":                "`loupe eval --split test`",
	"train.Merge":                   "`loupe merge`",
	"train.MergeBF16":               "--dtype bf16",
	"train.ReadOptions.Columns":     "--columns",
	"train.ReadOptions.ImageFolder": "--image-folder",

	"train.LoRAOptions.Alpha":   "--lora-alpha",
	"train.LoRAOptions.DoRA":    "--dora",
	"train.LoRAOptions.Dropout": "--lora-dropout",
	"train.LoRAOptions.Modules": "--train-modules",
	"train.LoRAOptions.RSLoRA":  "--rslora",
	"train.LoRAOptions.Rank":    "--lora-rank",
	"train.LoRAOptions.Targets": "--lora-target",

	"train.Options.Accumulate":      "--accumulate",
	"train.Options.Batch":           "--batch",
	"train.Options.BestBy":          "--best-by",
	"train.Options.CheckpointEvery": "--checkpoint-every",
	"train.Options.Clip":            "--clip",
	"train.Options.Data":            "--data",
	"train.Options.Decay":           "--weight-decay",
	"train.Options.DecoderLR":       "--decoder-lr",
	"train.Options.Epochs":          "--epochs",
	"train.Options.EvalEvery":       "--eval-every",
	"train.Options.EvalSplit":       "--eval-split",
	"train.Options.Freeze":          "--freeze",
	"train.Options.Full":            "--full",
	"train.Options.HeadHidden":      "--head-hidden",
	"train.Options.HeadInit":        "--head-init",
	"train.Options.HeadLR":          "--head-lr",
	"train.Options.HeadOnly":        "--head-only",
	"train.Options.LR":              "--lr",
	"train.Options.MergerLR":        "--merger-lr",
	"train.Options.Out":             "--out",
	"train.Options.Patience":        "--patience",
	"train.Options.Raters":          "--raters",
	"train.Options.Recompute":       "--checkpoint-activations",
	"train.Options.Resume":          "--resume",
	"train.Options.ScoreLoss":       "--score-loss",
	"train.Options.ScoreRange":      "--score-range",
	"train.Options.ScoreWeight":     "--score-weight",
	"train.Options.Seed":            "--seed",
	"train.Options.Shuffle":         "--shuffle",
	"train.Options.Steps":           "--steps",
	"train.Options.VisionLR":        "--vision-lr",
	"train.Schedule.Kind":           "--schedule",
	"train.Schedule.Warmup":         "--warmup",
}

// inFlags is a text of the library in the words of the command line.
func inFlags(text string) string {
	return option.Rename(text, func(field string) (string, bool) { flag, known := called[field]; return flag, known })
}

// givenOptions are the options of a package that the command line has, by the names that its errors have for them.
func givenOptions(cmd *cobra.Command, prefix string) map[string]bool {
	out := map[string]bool{}
	for field, flag := range called {
		if name, is := strings.CutPrefix(flag, "--"); is && strings.HasPrefix(field, prefix) && cmd.Flags().Changed(name) {
			out[field] = true
		}
	}
	return out
}

// printNote writes a note of the library to standard error; "" is none.
func printNote(note string) {
	if note != "" {
		fmt.Fprintln(stderr, "note: "+oneLine(inFlags(note)))
	}
}
