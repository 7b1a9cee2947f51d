package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	records dataFlags
	out     string
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

Probabilities are of the softmax over the vocabulary, entropy is in nats, direct's parts are logits with the last norm's
divisor held fixed, cka is 0 to 1, and probe is R² over pictures that the map was not fitted to, each target by itself and all
records of one picture together. docs/definitions.md has each formula, its source, and what it is not.

It prints a table, and writes to --out F.png, F.html, F.json or F.csv.`,
		Example: `  loupe lens --image cat.jpg "What is this?"
  loupe lens --what direct --against 42 --image cat.jpg "Is this a cat?"
  loupe lens --what pca --tap visual.blocks.3.out --image cat.jpg --out patches.png
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
	fl.IntSliceVar(&f.options.Positions, "positions", nil, "for logit: positions of the prompt, from 0, or below 0 from the end, separated by commas; for direct one of them (default: the last)")
	fl.BoolVar(&f.options.Pictures, "pictures", false, "for logit: every picture token in place of --positions")
	fl.IntSliceVar(&f.options.Layers, "layers", nil, "for logit: layers, from 0; -1 is what goes into the first (default: all); for words one of them (default: -1)")
	fl.IntVar(&f.options.Top, "top", 5, "for logit and words: how many words of each")
	fl.Var(optionalInt{&f.options.Token}, "token", "for logit: `ID` of the token to follow; for direct: whose logit to divide (default: the likeliest)")
	fl.Var(optionalInt{&f.options.Against}, "against", "for direct: `ID` of a token whose logit is taken off")
	fl.StringVar(&f.options.Tap, "tap", "", "for pca: `NAME` of a tap (default: the last block of the vision tower)")
	fl.BoolVar(&f.options.Tower, "tower", false, "for cka: blocks of the vision tower in place of layers of the decoder")
	fl.StringVar(&f.base, "base", "", "for cka: `DIR` of another model, or none for this one without its --adapter")
	fl.StringVar(&f.data, "data", "", "for probe: `FILE` of records, as train takes it")
	f.records.register(cmd)
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	must(cmd.RegisterFlagCompletionFunc("what", cobra.FixedCompletions(lensNames(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (f *lensFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(cmd, args); err != nil {
		return usageError{err}
	}
	release, err := keep(f.out)
	if err != nil {
		return err
	}
	defer release()
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	if f.what == probeLens {
		f.style.style.About = m.Name() + ", " + m.ComputedBy()
		found, err := f.probe(cmd, m)
		if err != nil {
			return err
		}
		return f.print(cmd.Context(), found)
	}
	in, err := f.input.read(cmd.Context(), m, args)
	if err != nil {
		return err
	}
	f.style.style.About = report.About(m, in)
	prompt, err := m.Prepare(cmd.Context(), in)
	if err != nil {
		return err
	}
	if f.base != "" {
		other, p, err := f.other(cmd.Context(), m, in)
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

// lensNames are the values of --what.
func lensNames() []string { return append(report.LensNames(), probeLens) }

func (f *lensFlags) check(cmd *cobra.Command, args []string) error {
	if !slices.Contains(lensNames(), f.what) {
		return fmt.Errorf("--what %q is unknown; %s are known", f.what, strings.Join(lensNames(), ", "))
	}
	if err := f.checkProbe(args); err != nil {
		return err
	}
	ext := ""
	if f.out != "" {
		var err error
		if ext, err = report.Kind(f.out, report.LensKinds...); err != nil {
			return err
		}
	}
	if err := f.style.check(); err != nil {
		return err
	}
	if err := f.refuseUnused(cmd, ext); err != nil {
		return err
	}
	if f.base != "" && f.what != "cka" {
		return errors.New("--base goes with --what cka")
	}
	if f.base == "none" && f.model.options.Adapter == "" {
		return errors.New("--base none compares a model with itself without its adapter; give --adapter")
	}
	return nil
}

// refuseUnused refuses flags that would change nothing, and lists of several values where one is used.
func (f *lensFlags) refuseUnused(cmd *cobra.Command, ext string) error {
	is := func(what ...string) bool { return slices.Contains(what, f.what) }
	if err := refuseUnused(cmd,
		goesWith{"positions", is("logit", "direct") && !f.options.Pictures, "--what logit or direct, and without --pictures"},
		goesWith{"pictures", is("logit"), "--what logit"},
		goesWith{"layers", is("logit", "words"), "--what logit or words"},
		goesWith{"top", is("logit", "words"), "--what logit or words"},
		goesWith{"token", is("logit", "direct"), "--what logit or direct"},
		goesWith{"against", is("direct"), "--what direct"},
		goesWith{"tap", is("pca"), "--what pca"},
		goesWith{"tower", is("cka"), "--what cka"},
		goesWith{"base", is("cka"), "--what cka"},
	); err != nil {
		return err
	}
	switch {
	case is("direct") && len(f.options.Positions) > 1:
		return fmt.Errorf("--positions names %d, and direct divides the logit after one; run it for each", len(f.options.Positions))
	case is("words") && len(f.options.Layers) > 1:
		return fmt.Errorf("--layers names %d, and words looks after one; run it for each", len(f.options.Layers))
	}
	if err := f.style.refuseUnused(cmd, ext == ".png" || ext == ".html", "--out F.png or F.html"); err != nil {
		return err
	}
	if err := refuseRepeated(cmd, "positions", "layers"); err != nil {
		return err
	}
	return requireAtLeast(cmd, 1, "top")
}

// other loads the model that --base names, and the prompt for it.
func (f *lensFlags) other(ctx context.Context, than *loupe.Model, in loupe.Input) (m *loupe.Model, p *loupe.Prompt, err error) {
	o := f.model.options
	o.Adapter, o.Head = "", ""
	dir := f.base
	if dir == "none" {
		dir = f.model.model
		o.MinPixels, o.MaxPixels = than.Processor.MinPixels, than.Processor.MaxPixels // both see the same picture
	}
	if dir == "" {
		m, err = loupe.Embedded(o)
	} else {
		m, err = loupe.Load(dir, o)
	}
	if err != nil {
		return nil, nil, err
	}
	if dir != f.model.model { // whose notes are told already
		m, _ = printNotes(m, nil)
	}
	if p, err = m.Prepare(ctx, in); err != nil {
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
		return json.NewEncoder(stdout).Encode(found.Data())
	}
	if f.out == "" {
		return report.WriteTable(screen, found.Lines())
	}
	return nil
}
