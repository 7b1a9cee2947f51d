package main

import (
	"errors"
	"fmt"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/spf13/cobra"
)

func demoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "what the demonstration is made of",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("demo: give a subcommand, as in `loupe demo paint`")}
		},
	}
	cmd.AddCommand(paintCommand())
	return cmd
}

type paintFlags struct {
	count int
	seed  uint64
	out   string
}

func paintCommand() *cobra.Command {
	var f paintFlags
	cmd := &cobra.Command{
		Use:   "paint",
		Short: "paint pictures whose qualities are known, with their scores and critiques",
		Long: `Paints pictures from a written rubric: each has a family (landscape, portrait and so on), five dimensions of 1 to 100, the
score that follows from them with a rater's noise, and a critique in words. DIR/data.jsonl holds them as train takes them.`,
		Example: `  loupe demo paint --count 200 --seed 7 --out paintings
  loupe train --data paintings/data.jsonl --epochs 3 --out tuned`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.IntVar(&f.count, "count", 100, "pictures to paint")
	fl.Uint64Var(&f.seed, "seed", 0, "of everything that is drawn: one seed, the same pictures on every machine")
	fl.StringVar(&f.out, "out", "", "`DIR` to write to")
	must(cmd.MarkFlagDirname("out"))
	return cmd
}

func (f *paintFlags) run(cmd *cobra.Command) error {
	switch {
	case f.count < 1:
		return usageError{fmt.Errorf("--count is %d; give a number above 0", f.count)}
	case f.out == "":
		return usageError{errors.New("--out is missing: name a directory")}
	}
	bar := newProgress("paint", f.count)
	defer bar.end()
	show := func(done int) { bar.at(done, f.count) }
	return paint.Write(cmd.Context(), f.out, f.count, f.seed, show)
}
