package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/report"
	"github.com/spf13/cobra"
)

type lensFlags struct {
	model   modelFlags
	input   inputFlags
	style   styleFlags
	what    string
	base    string
	data    string
	out     string
	token   int
	against int
	options report.LensOptions
	json    bool
}

func lensCommand() *cobra.Command {
	var f lensFlags
	cmd := &cobra.Command{
		Use:   "lens [PROMPT]",
		Short: "read words, parts of a logit, likenesses and what is known off the model's layers",
		Long: `Reads off what the inside of a run already says. --what chooses:

  logit    the words that the residual stream of each layer amounts to, at --positions or at the pictures' tokens
  direct   what each layer, head and perceptron adds to a logit
  words    the words whose embeddings are nearest to each picture token
  pca      the main directions of what passes at --tap, as colors over the picture
  cka      how alike the layers are, or with --base another model's, or those of this one without its adapter
  received which patches each head of the vision tower looks at, and how much of it goes to the rim of the picture
  probe    what a linear map can read off each layer: the score and other targets of the pictures of --data, and where in its
           picture a row lies

It prints a table, and writes to --out F.png, F.html, F.json or F.csv.`,
		Example: `  loupe lens --image cat.jpg "What is this?"
  loupe lens --what direct --against 42 --image cat.jpg "Is this a cat?"
  loupe lens --what pca --tap visual.blocks.31.out --image cat.jpg --out patches.png
  loupe lens --what probe --data pictures.jsonl`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.model.register(cmd)
	f.input.register(cmd)
	f.style.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.what, "what", "logit", "what to read: `logit`|direct|words|pca|cka|received|probe")
	fl.StringVar(&f.out, "out", "", "`FILE` whose name ends in .png, .html, .json or .csv")
	fl.IntSliceVar(&f.options.Positions, "positions", nil, "positions of the prompt, below 0 from the end, separated by commas (default: the last)")
	fl.BoolVar(&f.options.Pictures, "pictures", false, "for logit: every picture token in place of --positions")
	fl.IntSliceVar(&f.options.Layers, "layers", nil, "layers, from 0; -1 is what goes into the first (default: all)")
	fl.IntVar(&f.options.Top, "top", 5, "how many words of each")
	fl.IntVar(&f.token, "token", 0, "`ID` of the token to follow or to divide (default: the likeliest)")
	fl.IntVar(&f.against, "against", 0, "for direct: `ID` of a token whose logit is taken off")
	fl.StringVar(&f.options.Tap, "tap", "", "for pca: `NAME` of a tap (default: the last block of the vision tower)")
	fl.BoolVar(&f.options.Tower, "tower", false, "for cka: blocks of the vision tower in place of layers of the decoder")
	fl.StringVar(&f.base, "base", "", "for cka: `DIR` of another model, or none for this one without its --adapter")
	fl.StringVar(&f.data, "data", "", "for probe: `FILE` of records, as train takes it")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	must(cmd.RegisterFlagCompletionFunc("what", cobra.FixedCompletions(lensNames(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (f *lensFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(cmd, args); err != nil {
		return usageError{err}
	}
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	if f.what == probeLens {
		found, err := f.probe(cmd, m)
		if err != nil {
			return err
		}
		return f.print(cmd.Context(), found)
	}
	in, err := f.input.read(cmd.Context(), args)
	if err != nil {
		return err
	}
	prompt, err := m.Prepare(in)
	if err != nil {
		return err
	}
	if f.base != "" {
		other, p, err := f.other(in)
		if err != nil {
			return err
		}
		defer other.Close()
		f.options.Base, f.options.BasePrompt = other, p
	}
	found, err := report.Lens(cmd.Context(), m, prompt, f.what, f.options)
	if err != nil {
		return err
	}
	return f.print(cmd.Context(), found)
}

// lensNames are what --what knows.
func lensNames() []string { return append(report.LensNames(), probeLens) }

func (f *lensFlags) check(cmd *cobra.Command, args []string) error {
	if !slices.Contains(lensNames(), f.what) {
		return fmt.Errorf("--what %q is unknown; %s are known", f.what, strings.Join(lensNames(), ", "))
	}
	if err := f.checkProbe(args); err != nil {
		return err
	}
	if f.out != "" {
		if _, err := report.Kind(f.out, report.LensKinds...); err != nil {
			return err
		}
	}
	if f.base != "" && f.what != "cka" {
		return errors.New("--base goes with --what cka")
	}
	if f.base == "none" && f.model.options.Adapter == "" {
		return errors.New("--base none compares a model with itself without its adapter; give --adapter")
	}
	for name, to := range map[string]struct {
		value *int
		set   **int
	}{"token": {&f.token, &f.options.Token}, "against": {&f.against, &f.options.Against}} {
		if cmd.Flags().Changed(name) {
			*to.set = to.value
		}
	}
	return f.style.check()
}

// other loads the model that --base names, and the prompt for it.
func (f *lensFlags) other(in loupe.Input) (m *loupe.Model, p *loupe.Prompt, err error) {
	o := f.model.options
	o.Adapter, o.Head = "", ""
	dir := f.base
	if dir == "none" {
		dir = f.model.model
	}
	if dir == "" {
		m, err = loupe.Embedded(o)
	} else {
		m, err = loupe.Load(dir, o)
	}
	if err != nil {
		return nil, nil, err
	}
	if p, err = m.Prepare(in); err != nil {
		m.Close()
		return nil, nil, err
	}
	return m, p, nil
}

func (f *lensFlags) print(_ context.Context, found report.Found) error {
	if f.out != "" {
		if err := report.SaveLens(f.out, found, f.style.style); err != nil {
			return err
		}
	}
	if f.json {
		return json.NewEncoder(os.Stdout).Encode(found.Data())
	}
	if f.out == "" {
		return report.WriteTable(os.Stdout, found.Lines())
	}
	return nil
}
