package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/spf13/cobra"
)

type mergeFlags struct {
	model      modelFlags
	out, dtype string
}

func mergeCommand() *cobra.Command {
	var f mergeFlags
	cmd := &cobra.Command{
		Use:   "merge",
		Short: "write a model with its adapter merged into the weights",
		Long: `Writes a model directory in which an adapter's branches are part of the weights: W + scale*B*A, computed in float32 and
rounded once, to the type of each weight. transformers loads it, and so does every program that takes Qwen2-VL. Rounding to
bfloat16 moves a result by a little; --dtype f32 does not round, and takes twice the room.

The score head, of the adapter's directory or the model's, is written beside it.`,
		Example: `  loupe merge --model Qwen2-VL-2B-Instruct --adapter tuned --out merged
  loupe score --model merged painting.jpg`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.model.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "`DIR` to write to")
	fl.StringVar(&f.dtype, "dtype", train.MergeBase, "type to round to: `base` (of each tensor as it is)|bf16|f32")
	hide(cmd, "min-pixels", "max-pixels", "precision")
	must(cmd.MarkFlagDirname("out"))
	must(cmd.RegisterFlagCompletionFunc("dtype", cobra.FixedCompletions(train.MergeTypes, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (f *mergeFlags) run(cmd *cobra.Command) error {
	if err := refuseFlags(cmd, "merging reads no picture and computes in float32, on the CPU", "min-pixels", "max-pixels", "precision", "device", "device-layers"); err != nil {
		return err
	}
	if f.out == "" {
		return usageError{errors.New("--out is missing: name a directory")}
	}
	if !slices.Contains(train.MergeTypes, f.dtype) {
		return usageError{fmt.Errorf("--dtype %q is unknown; give base, bf16 or f32", f.dtype)}
	}
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	bar := newProgress("merge", 0)
	defer bar.end()
	return train.Merge(cmd.Context(), m, f.out, f.dtype, bar.at)
}
