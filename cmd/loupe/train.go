package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/spf13/cobra"
)

type trainFlags struct {
	model   modelFlags
	records dataFlags
	options train.Options
	dry     bool
	shape   string
	tokens  int
	json    bool
}

func trainCommand() *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train",
		Short: "teach a model from scored and critiqued pictures",
		Long: `Learns from pictures with scores, critiques or both: one pass of the vision tower for the score head and the decoder, and the
joint loss of both. LoRA branches learn, or with --full every weight.

The data are JSON Lines, {"image": "a.jpg", "score": 81, "critique": "...", "targets": {"color": 70}}, CSV or TSV with a header, an
ImageFolder, or the layouts of LLaMA-Factory, ms-swift, TRL, LLaVA and Alpaca; docs/data.md has them all. All of them, and every picture, are checked before the first step.

Every step adds a line to OUT/log.jsonl, and every measurement of the records for evaluation one to OUT/eval.jsonl; curves.png
and curves.html draw both. A run that was stopped, or killed, goes on with --resume, to the very same bits.
To learn more from what a finished run came to, begin another with --adapter OUT. What is learned at one size of pictures and
with one question is used so from then on: both are kept in OUT/input_settings.json.

Rows, raters and copies of one picture are one picture: they stay on one side of the split and count once. Losses are means over
the records of a step (nats a token; squared standard deviations); left-out RMSE and MAE are in the unit of the scores, over
pictures that the head was made without. docs/definitions.md has each number's formula and what it is not.

Pictures are taken as they are: there is no augmentation.`,
		Example: `  loupe train --model Qwen2-VL-2B-Instruct --data pictures.jsonl --lora-rank 16 --epochs 3 --out tuned
  loupe score --model Qwen2-VL-2B-Instruct --adapter tuned painting.jpg
  loupe train --dry-run --shape 7b`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.model.register(cmd)
	f.register(cmd)
	return cmd
}

// register adds the flags of a run, in the order of the help.
func (f *trainFlags) register(cmd *cobra.Command) {
	o, fl := &f.options, cmd.Flags()
	fl.StringVar(&o.Data, "data", "", "`FILE` of records (JSON Lines, .json, .csv or .tsv), or a directory with one, as an ImageFolder's metadata.jsonl")
	f.records.register(cmd)
	fl.StringVar(&o.Out, "out", "", "`DIR` to write to")

	fl.BoolVar(&o.Full, "full", false, "every weight learns, in float32; without it, LoRA branches do")
	fl.BoolVar(&o.HeadOnly, "head-only", false, "fit the score head in closed form, in one pass over the pictures; the model stays as it is")
	fl.IntVar(&o.LoRA.Rank, "lora-rank", 16, "rank of the branches")
	fl.Float64Var(&o.LoRA.Alpha, "lora-alpha", 0, "their scale times the rank (default: twice the rank)")
	fl.Float64Var(&o.LoRA.Dropout, "lora-dropout", 0, "part of a branch's inputs that it does not see while it learns")
	fl.BoolVar(&o.LoRA.RSLoRA, "rslora", false, "scale branches by alpha/sqrt(rank)")
	fl.BoolVar(&o.LoRA.DoRA, "dora", false, "give branches magnitudes too (DoRA): the rows of the weights get lengths that learn")
	fl.StringArrayVar(&o.LoRA.Targets, "lora-target", nil, "`GLOB` of modules that get a branch (repeatable; default: all linear maps of both towers but patch embedding and merger)")
	fl.StringArrayVar(&o.LoRA.Modules, "train-modules", nil, "`GLOB` of modules that learn whole and are saved with the adapter, PEFT's modules_to_save: 'visual.merger', '*layernorm', 'lm_head', 'embed_tokens' (repeatable)")
	fl.StringArrayVar(&o.Freeze, "freeze", nil, "`GLOB` of tensors that do not learn, or of modules that get no branch: 'visual.*' (repeatable)")

	fl.IntVar(&o.Epochs, "epochs", 1, "times through the data")
	fl.IntVar(&o.Steps, "steps", 0, "steps, in place of --epochs")
	fl.IntVar(&o.Batch, "batch", 4, "records of a step")
	fl.IntVar(&o.Accumulate, "accumulate", 1, "batches of a step")
	fl.BoolVar(&o.Shuffle, "shuffle", true, "take the records of each epoch in an order of its own")
	fl.Uint64Var(&o.Seed, "seed", 0, "of everything that is drawn")

	fl.Float64Var(&o.LR, "lr", 1e-4, "learning rate")
	fl.Var(optionalFloat{&o.VisionLR}, "vision-lr", "learning rate of the vision tower; 0: it does not learn (default: --lr)")
	fl.Var(optionalFloat{&o.MergerLR}, "merger-lr", "learning rate of the merger between the towers; 0: it does not learn (default: --lr)")
	fl.Var(optionalFloat{&o.DecoderLR}, "decoder-lr", "learning rate of the decoder; 0: it does not learn (default: --lr)")
	fl.Var(optionalFloat{&o.HeadLR}, "head-lr", "learning rate of the score head; 0: it does not learn (default: --lr)")
	fl.IntVar(&o.Schedule.Warmup, "warmup", 0, "steps in which the learning rate grows to --lr")
	fl.StringVar(&o.Schedule.Kind, "schedule", "cosine", "how it falls then: `cosine`|linear|constant")
	fl.Float64Var(&o.Decay, "weight-decay", 0.01, "of matrices; norms and biases have none")
	fl.Float64Var(&o.Clip, "clip", 1, "most that the gradient's norm may be (0: no limit)")

	fl.Float64Var(&o.ScoreWeight, "score-weight", 1, "of the score's loss beside the language model's")
	fl.StringVar(&o.Raters, "raters", train.RatersMean, "what several ratings of one picture come to: their `mean`|each (an example of its own); copies of a picture count as one picture either way")
	fl.StringVar(&o.ScoreLoss, "score-loss", train.SquaredLoss, "of the score: `squared`|huber|rank (the order of a step's pictures alone: the scores have no unit then)")
	fl.IntSliceVar(&o.HeadHidden, "head-hidden", nil, "`WIDTHS` of hidden layers of a new score head, as in 64,32 (default: one linear layer)")
	fl.StringVar(&o.HeadInit, "head-init", "zero", "what a new score head starts from: `zero`|ridge (fitted in closed form first, in one more pass over the pictures)")
	fl.Float64SliceVar(&o.ScoreRange, "score-range", nil, "`LEAST,MOST` that the score head says: a new one (default: 1,100, or as far beyond as the data go), or one that is there, whose targets are rescaled to it (default: as they are)")

	fl.Float64Var(&o.EvalSplit, "eval-split", 0.2, "part of the records, without a split of their own, that is kept for evaluation; copies of a picture stay together")
	fl.IntVar(&o.EvalEvery, "eval-every", 0, "steps between measurements of the records for evaluation; what is written at the end is then the best measured")
	fl.StringVar(&o.BestBy, "best-by", train.BestByLoss, "what the best measurement has: the least `loss`|lm_loss|score_loss|mae|rmse, or the most of pearson|spearman")
	fl.IntVar(&o.Patience, "patience", 0, "measurements without a better one that end the run (default: none do)")
	fl.BoolVar(&o.Resume, "resume", false, "go on from the last checkpoint in --out, or begin where there is none")
	fl.IntVar(&o.CheckpointEvery, "checkpoint-every", 0, "steps between checkpoints (default: one at the end)")
	fl.BoolVar(&o.Recompute, "checkpoint-activations", false, "compute a block's activations again when they are needed, from the products that are kept: less memory, more time, the same bits (default: where keeping all would take more than 2 GiB, which large models do)")
	fl.BoolVar(&f.dry, "dry-run", false, "check the data, print what they hold and the memory that a run would take, computed from shapes, and stop")
	fl.StringVar(&f.shape, "shape", "", "with --dry-run, plan for a published shape in place of a model and data: `2b`|7b")
	fl.IntVar(&f.tokens, "picture-tokens", 256, "with --shape, the merged rows of the picture")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	must(cmd.MarkFlagDirname("out"))
	must(cmd.MarkFlagFilename("data", "jsonl", "json", "csv", "tsv"))
	for name, values := range map[string][]string{"schedule": {"cosine", "linear", "constant"}, "score-loss": train.ScoreLosses, "raters": train.RaterModes, "best-by": train.BestMeasures, "head-init": {"zero", "ridge"}, "shape": {"2b", "7b"}} {
		must(cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
	}
}

func (f *trainFlags) run(cmd *cobra.Command) error {
	if cmd.Flags().Changed("steps") && !cmd.Flags().Changed("epochs") {
		f.options.Epochs = 0
	}
	if !cmd.Flags().Changed("head-init") {
		f.options.HeadInit = ""
	}
	f.options.AutoRecompute = !cmd.Flags().Changed("checkpoint-activations")
	if err := f.checkFlags(cmd); err != nil {
		return err
	}
	if f.shape != "" {
		return f.planShape(cmd)
	}
	if err := f.records.check(cmd); err != nil {
		return err
	}
	f.options.Columns, f.options.ImageFolder = f.records.options.Columns, f.records.options.ImageFolder
	checked := f.options
	if f.dry && checked.Out == "" {
		checked.Out = "." // nothing is written
	}
	if err := checked.Validate(); err != nil {
		return usageError{err}
	}
	debug.SetGCPercent(10) // most of the heap is activations that are reused in every step: letting as much garbage pile up would double it
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := f.checkModel(cmd, m); err != nil {
		return err
	}
	tell, end := trainProgress()
	defer end()
	if f.dry {
		plan, err := train.PlanRun(cmd.Context(), m, f.options, tell)
		if err != nil {
			return asUsage(err)
		}
		return f.printPlan(plan)
	}
	result, err := train.Run(cmd.Context(), m, f.options, tell)
	end()
	var stopped *train.Stopped
	if errors.As(err, &stopped) && strings.Contains(context.Cause(cmd.Context()).Error(), "terminated") {
		fmt.Fprintln(stderr, "note: asked to stop: "+howToGoOn(cmd, stopped))
		return nil // asked to stop, with a checkpoint written: that is no failure
	}
	if stopped != nil {
		return &interrupted{stopped, howToGoOn(cmd, stopped)}
	}
	if err != nil {
		return asUsage(err)
	}
	return f.printResult(result)
}

// howToGoOn says what a stopped run saved, and the command that resumes it.
func howToGoOn(cmd *cobra.Command, s *train.Stopped) string {
	args := argsOf(cmd.Context())
	if s.Checkpoint == "" {
		return fmt.Sprintf("no step was taken yet; begin again with `%s`", commandLine(args))
	}
	if !cmd.Flags().Changed("resume") {
		args = append(slices.Clip(args), "--resume")
	}
	return fmt.Sprintf("step %d is saved in %s; go on with `%s`", s.Step, disk.Visible(s.Checkpoint), commandLine(args))
}

// asUsage marks a train.UsageError as an error of the command line.
func asUsage(err error) error {
	var usage *train.UsageError
	if errors.As(err, &usage) {
		return usageError{err}
	}
	return err
}

// trainProgress writes a run's notes and progress to standard error, until end.
func trainProgress() (tell func(train.Progress), end func()) {
	names := map[string]string{"check": "check the pictures", "look": "look at the pictures", "train": "train, steps", "evaluate": "evaluate"}
	bar := newProgress("train", 0)
	stage := ""
	return func(p train.Progress) {
		if p.Note != "" {
			bar.clear()
			printNote(p.Note)
			return
		}
		if p.Stage != stage {
			stage = p.Stage
			bar.begin(names[stage], p.Of)
		}
		if p.Last != nil {
			bar.name(fmt.Sprintf("%s (loss %.3f)", names[stage], p.Last.Loss))
		}
		bar.at(p.Done, p.Of)
	}, bar.end
}
