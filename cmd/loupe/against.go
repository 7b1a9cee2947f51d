package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/report"
	"github.com/spf13/cobra"
)

// againstFlags are the flags of trace --against.
type againstFlags struct {
	file    string
	images  []string
	videos  []string
	sweep   string
	answers string
	top     int
	options loupe.PatchOptions
	style   styleFlags
}

// sweepFlags are the flags that need --against.
var sweepFlags = []string{"against-image", "against-video", "sweep", "site", "layers", "positions", "answers", "top", "colors", "alpha", "smooth"}

// notAgainst are the flags that --against excludes.
var notAgainst = []string{"tap", "list", "steps", "grad", "intervene"}

func (f *againstFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.file, "against", "", "`FILE.json` with a second conversation, as --messages takes it: patch its run with this one's activations, one site after the other, and print which sites restore this one's answer")
	fl.StringArrayVar(&f.images, "against-image", nil, "a picture `FILE` for a part of --against without a path, or without --against for the same question (repeatable; default: the --image flags that are left over, or the same)")
	fl.StringArrayVar(&f.videos, "against-video", nil, "a video `FILE` for a part of --against without a path, or without --against for the same question, as --video takes it (repeatable)")
	fl.StringVar(&f.sweep, "sweep", "positions", "what to patch of each layer, one after the other: `positions`|heads")
	fl.StringVar(&f.options.Site, "site", "", "what to patch at a position: `out` (the default)|self_attn.out|mlp.out")
	fl.IntSliceVar(&f.options.Layers, "layers", nil, "layers to patch, from 0, separated by commas (default: all)")
	fl.IntSliceVar(&f.options.Positions, "positions", nil, "positions to patch, below 0 from the end (default: all)")
	fl.StringVar(&f.answers, "answers", "", "`TOKEN,TOKEN` whose logits are held against each other, ids or quoted words (default: the likeliest of each run)")
	oneOf(cmd, "sweep", "positions", "heads")
	oneOf(cmd, "site", "out", "self_attn.out", "mlp.out")
	fl.IntVar(&f.top, "top", 20, "how many sites to print")
	f.style.register(cmd)
}

// asked reports whether a corrupted prompt is given: another conversation, or the same one about other pictures.
func (f *againstFlags) asked() bool { return f.file != "" || len(f.images)+len(f.videos) > 0 }

// check refuses flags that do not go together.
func (f *againstFlags) check(cmd *cobra.Command, out string) error {
	if !f.asked() {
		for _, name := range sweepFlags {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s goes with --against FILE.json, or with --against-image", name)
			}
		}
		return nil
	}
	for _, name := range notAgainst {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s does not go with --against: give one of them", name)
		}
	}
	switch {
	case f.sweep != "positions" && f.sweep != "heads":
		return fmt.Errorf("--sweep %s is unknown; give positions or heads", f.sweep)
	case f.options.Site != "" && !slices.Contains([]string{"out", "self_attn.out", "mlp.out"}, f.options.Site):
		return fmt.Errorf("--site %q is unknown; give out, self_attn.out or mlp.out", f.options.Site)
	case f.top < 0:
		return fmt.Errorf("--top is %d; give 0 or a number above it", f.top)
	}
	ext := ""
	if out != "" {
		var err error
		if ext, err = report.Kind(out, report.PatchingKinds...); err != nil {
			return err
		}
	}
	if err := f.style.check(); err != nil {
		return err
	}
	if err := f.style.refuseUnused(cmd, ext == ".png", "--out F.png"); err != nil {
		return err
	}
	asJSON, _ := cmd.Flags().GetBool("json")
	if err := refuseUnused(cmd,
		goesWith{"site", f.sweep == "positions", "--sweep positions"},
		goesWith{"positions", f.sweep == "positions", "--sweep positions"},
		goesWith{"top", !asJSON, "the table, and --json holds every site"},
	); err != nil {
		return err
	}
	if err := refuseRepeated(cmd, "layers", "positions"); err != nil {
		return err
	}
	f.options.Heads = f.sweep == "heads"
	return nil
}

// run sweeps activation patching, prints the sites that restore the most, and writes all of them to out unless that is "".
func (f *againstFlags) run(cmd *cobra.Command, m *loupe.Model, files loupe.Files, out string, asJSON bool) error {
	var err error
	if f.answers != "" {
		if f.options.Answers, err = loupe.ParseAnswers(f.answers, m.Tokenizer); err != nil {
			return usageError{err}
		}
	}
	in, against, err := files.CleanAndCorrupted(cmd.Context(), f.file, f.images, f.videos)
	if err != nil {
		return err
	}
	f.style.style.About = report.About(m, in)
	clean, err := m.Prepare(cmd.Context(), in)
	if err != nil {
		return err
	}
	corrupted, err := m.Prepare(cmd.Context(), against)
	if err != nil {
		return fmt.Errorf("--against: %w", err)
	}
	bar := newProgress("patch", 0)
	defer bar.end()
	f.options.Progress = bar.at
	found, err := m.Patch(cmd.Context(), clean, corrupted, f.options)
	if err != nil {
		return err
	}
	patched := report.NewPatched(m, clean, found, f.options.Heads)
	if out != "" {
		if err := report.SavePatching(out, patched, clean, corrupted, f.style.style); err != nil {
			return err
		}
	}
	if asJSON {
		return json.NewEncoder(stdout).Encode(patched)
	}
	return f.print(patched)
}

func (f *againstFlags) print(p *report.Patched) error {
	w := tabwriter.NewWriter(screen, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "clean\t%q (%d)\tlogit difference %.4g\n", p.Clean.Text, p.Clean.Token, p.Clean.Difference)
	fmt.Fprintf(w, "corrupted\t%q (%d)\tlogit difference %.4g\n\n", p.Corrupted.Text, p.Corrupted.Token, p.Corrupted.Difference)
	if p.Unmatched > 0 {
		fmt.Fprintf(w, "%d of the clean prompt's positions have no counterpart in the other prompt and are not patched\n\n", p.Unmatched)
	}
	lines := p.Lines(f.top)
	for _, line := range lines {
		for i, field := range line {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, field)
		}
		fmt.Fprintln(w)
	}
	if len(lines) == 1 && f.top > 0 {
		fmt.Fprintln(w, "no site restores anything")
	}
	if err := w.Flush(); err != nil {
		return errors.Join(errors.New("write the table"), err)
	}
	return nil
}
