package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/bench"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type benchFlags struct {
	model   modelFlags
	shape   string
	image   string
	seconds float64
	options bench.Options
	json    bool
}

func benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "measure speed, and what part of the machine's own limits it reaches",
		Long: `Measures how fast a model reads a prompt (prefill), generates (decode) and encodes a picture (image), and puts each beside
the limit of this machine, which is measured in the same run: its arithmetic, or the reading of memory. int8_dot is what vector
instructions can do; a matrix unit (AMX) can pass it. On a GPU (--device) the limits are the GPU's, and batch decodes several
answers side by side.

--shape measures a model with random weights made in memory, so that nothing needs to be downloaded: 2b takes about 5 GiB
of memory, 7b about 17.`,
		Example: `  loupe bench --shape demo --what prefill,decode
  loupe bench --model Qwen2-VL-2B-Instruct --image painting.jpg --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.model.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.shape, "shape", "", "measure random weights of this shape, instead of --model: `2b`|7b|demo")
	fl.StringSliceVar(&f.options.What, "what", []string{"prefill", "decode", "image"}, "what to measure: `LIST` of "+strings.Join(bench.Words(), ","))
	fl.IntVar(&f.options.Tokens, "tokens", 256, "tokens of the prompt that prefill reads")
	fl.IntSliceVar(&f.options.Batch, "batch", []int{8, 32}, "how many answers batch decodes side by side: `LIST`")
	fl.IntVar(&f.options.Answer, "answer", 40, "tokens of the answer that train learns")
	fl.StringVar(&f.image, "image", "", "the picture `FILE` that image encodes (default: the one that is part of the program)")
	fl.Float64Var(&f.seconds, "seconds", 15, "about how long each measurement repeats; the best time counts")
	fl.BoolVar(&f.json, "json", false, "print one JSON object a line")
	must(cmd.RegisterFlagCompletionFunc("shape", cobra.FixedCompletions([]string{"2b", "7b", "demo"}, cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("what", cobra.FixedCompletions(bench.Words(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (f *benchFlags) run(cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return usageError{err}
	}
	if err := f.refuse(cmd); err != nil {
		return err
	}
	if err := f.readPicture(cmd.Context()); err != nil {
		return err
	}
	m, err := f.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	if term.IsTerminal(int(os.Stderr.Fd())) {
		f.options.Progress = func(what string) { fmt.Fprintf(stderr, "measuring %s\n", what) }
	}
	results, peaks, failed := bench.Run(cmd.Context(), m, f.options)
	if len(results) == 0 {
		return failed
	}
	report, onDevice, err := bench.Report(cmd.Context(), m, peaks, f.options.Each/10)
	failed = errors.Join(failed, err)
	if f.json {
		out := json.NewEncoder(stdout)
		if onDevice {
			if err := out.Encode(report); err != nil {
				return fmt.Errorf("write the results: %w", err)
			}
		}
		for _, r := range results {
			if err := out.Encode(r); err != nil {
				return fmt.Errorf("write the results: %w", err)
			}
		}
		return failed
	}
	return errors.Join(failed, printBench(m, results, peaks))
}

func (f *benchFlags) check() error {
	switch {
	case f.shape != "" && f.model.model != "":
		return errors.New("--shape makes a model, and --model names one; give one of them")
	case f.shape != "" && f.shape != "2b" && f.shape != "7b" && f.shape != "demo":
		return fmt.Errorf("--shape %s is unknown; give 2b, 7b or demo", f.shape)
	case !(f.seconds > 0 && f.seconds <= 3600):
		return fmt.Errorf("--seconds is %v; give a number above 0, and 3600 at most", f.seconds)
	}
	f.options.Each = time.Duration(f.seconds * float64(time.Second))
	return f.options.Validate()
}

// refuse refuses flags of what is not measured, and flags of a model's files with --shape.
func (f *benchFlags) refuse(cmd *cobra.Command) error {
	measured := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(f.options.What, w) })
	}
	if !measured("prefill") {
		if err := refuseFlags(cmd, "it is the length of the prompt of prefill, which --what leaves out", "tokens"); err != nil {
			return err
		}
	}
	if !measured("batch") {
		if err := refuseFlags(cmd, "it is how many answers batch decodes, which --what leaves out", "batch"); err != nil {
			return err
		}
	}
	if !measured("train") {
		if err := refuseFlags(cmd, "it is the length of the answer that train learns, which --what leaves out", "answer"); err != nil {
			return err
		}
	}
	if !measured("image", "train") {
		if err := refuseFlags(cmd, "--what has neither image nor train, and nothing else takes a picture", "image", "min-pixels", "max-pixels"); err != nil {
			return err
		}
	}
	if f.shape == "" {
		return nil
	}
	return refuseFlags(cmd, "--shape makes a model in memory, which has no files to check", "require-signature")
}

// load opens or makes the model.
func (f *benchFlags) load(cmd *cobra.Command) (*loupe.Model, error) {
	if f.shape == "" {
		return f.model.load(cmd)
	}
	if err := f.model.check(cmd); err != nil {
		return nil, usageError{err}
	}
	return loupe.Synthetic(f.shape, f.model.options)
}

// readPicture reads the flag's picture, or the embedded one.
func (f *benchFlags) readPicture(ctx context.Context) error {
	var paths []string
	if f.image != "" {
		paths = []string{f.image}
	}
	pictures, err := loupe.Pictures(paths)
	if err != nil {
		return err
	}
	if len(pictures) != 1 {
		return fmt.Errorf("--image %s is a directory of %d pictures; give one file", f.image, len(pictures))
	}
	f.options.Image, err = pictures[0].Load(ctx)
	return err
}

func printBench(m *loupe.Model, results []bench.Result, p bench.Limits) error {
	w := tabwriter.NewWriter(screen, 0, 4, 2, ' ', 0)
	o := m.Settings()
	fmt.Fprintf(w, "model\t%s\nthreads\t%d\nkernels\t%s\nprecision\t%s\n", m.Name(), o.Threads, o.Kernels, o.Precision)
	if i := m.GPU(); i != nil {
		fmt.Fprintf(w, "device\t%s\n", i)
	}
	for _, l := range p.List() {
		if l.Value > 0 {
			fmt.Fprintf(w, "%s\t%.1f %s\n", l.Name, l.Value, l.Unit)
		} else {
			fmt.Fprintf(w, "%s\tnot on this processor\n", l.Name)
		}
	}
	fmt.Fprintln(w, "\nwhat\tspeed\tGFLOP/s\tGB/s\tlimit\tof limit\tpeak memory")
	for _, r := range results {
		speed := fmt.Sprintf("%.2f tokens/s", r.TokensPerS)
		if r.S > 0 {
			speed = fmt.Sprintf("%.3f s", r.S)
		}
		fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%s\t%.0f %%\t%.0f MB\n", r.What, speed, r.GFLOPPerS, r.GBPerS, r.Limit, 100*r.OfLimit, r.PeakRSSMB)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}
