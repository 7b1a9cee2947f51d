package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/trace/report"
	"github.com/spf13/cobra"
)

type attendFlags struct {
	model        modelFlags
	input        inputFlags
	style        styleFlags
	method       string
	target       string
	baseline     string
	generic      string
	out          string
	options      attribution.Options
	faithfulness bool
	each         bool
	answer       int
	measure      attribution.MeasureOptions
	json         bool
}

// pageKind ends the name of a page.
const pageKind = ".html"

func attendCommand() *cobra.Command {
	var f attendFlags
	var lines []string
	for _, m := range attribution.Methods() {
		lines = append(lines, fmt.Sprintf("  %-13s %s", m, inFlags(attribution.Help(m))))
	}
	cmd := &cobra.Command{
		Use:   "attend [PROMPT]",
		Short: "show which parts of a picture an answer or a score rests on",
		Long: "Makes a map of the picture by one of these methods:\n\n" + strings.Join(lines, "\n") + `

Attention shows where a layer read, not why the answer came out: --faithfulness covers the picture cell by cell in the
order of the map and measures what that does, beside random orders: the area under the target, in its unit, and by which
part of the picture's effect it is better than chance.

raw and rollout give shares of 1, relative a ratio (1: as for a generic question), relevance and gradcam numbers without a
unit that are never negative, integrated, occlusion and contribution the target's own unit: points of a score (before it is
clamped), logits (before any penalty), nats of a log-probability. A map of zeros says why. docs/definitions.md has each
formula, its source, and what it is not.

--out F.png draws the map over the picture as the model saw it; F.json, F.csv, F.npz and F.safetensors hold its numbers.
F.html is a whole analysis, in one page that needs nothing else: where each token of prompt and answer looked, in every
layer and head, what looked at a patch, the words of every layer, this map and others.`,
		Example: `  loupe attend --image painting.jpg --method contribution --out score.png
  loupe attend --image cat.jpg --method relevance --target logit --out why.png "What is this?"
  loupe attend --image cat.jpg --method relative --faithfulness "Where is the cat?"`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.model.register(cmd)
	f.input.register(cmd)
	f.style.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.method, "method", string(attribution.Raw), "how: `raw`|relative|rollout|relevance|gradcam|integrated|occlusion|contribution")
	fl.StringVar(&f.out, "out", "", "`FILE` whose name ends in .png, .html, .json, .csv, .npz or .safetensors")
	fl.BoolVar(&f.each, "each", false, "for raw, to a .png: every head of --layers apart, as small multiples")
	fl.IntVar(&f.answer, "answer", 16, "for --out F.html: `N` tokens of the answer to show")
	fl.StringVar(&f.target, "target", "", "what to explain: `score`|score:NAME|logit:TOKEN|logprob:TOKEN|diff:A,B, as trace --grad has it (default: the score, or without a head the likeliest next token's logit)")
	fl.Var(optionalInt{&f.options.Query}, "query", "for raw, relative and rollout: `POSITION` in the prompt whose attention is followed, from 0, or below 0 from the end (default: the last)")
	fl.IntSliceVar(&f.options.Layers, "layers", nil, "for raw and relative: layers to average, from 0, separated by commas (default: all); for gradcam one block of the vision tower (default: the last that the target depends on)")
	fl.IntSliceVar(&f.options.Heads, "heads", nil, "for raw and relative: heads to average, from 0 (default: all)")
	fl.BoolVar(&f.options.Tower, "tower", false, "for raw and rollout: attention among patches within the vision tower")
	fl.IntSliceVar(&f.options.Patches, "patches", nil, "with --tower: rows of the tower whose attention is followed (default: all)")
	fl.StringVar(&f.generic, "generic", attribution.GenericQuestion, "for relative: `TEXT` of the question to compare with")
	fl.IntVar(&f.options.Steps, "steps", attribution.DefaultSteps, "for integrated: `N` points of the path")
	fl.StringVar(&f.baseline, "baseline", string(attribution.Mean), "for integrated, occlusion and --faithfulness, what stands for a covered part: `mean` (the picture's own color)|grey|black|blur")
	fl.IntVar(&f.options.Window, "window", 1, "for occlusion: `SIDE` of what is covered, in merged tokens")
	fl.IntVar(&f.options.Stride, "stride", 1, "for occlusion: by how much the window moves, in merged tokens")
	fl.BoolVar(&f.faithfulness, "faithfulness", false, "measure deletion and insertion, beside random orders")
	fl.IntVar(&f.measure.Steps, "curve-steps", attribution.DefaultCurveSteps, "for --faithfulness: `N` points of the curves after the first")
	fl.IntVar(&f.measure.Orders, "random-orders", attribution.DefaultOrders, "for --faithfulness: `N` random orders")
	fl.Uint64Var(&f.measure.Seed, "seed", 0, "for --faithfulness: of the random orders")
	fl.BoolVar(&f.json, "json", false, "print the map, and what --faithfulness measured, as one JSON object")
	oneOf(cmd, "method", methodNames()...)
	var baselines []string
	for _, b := range attribution.Baselines() {
		baselines = append(baselines, string(b))
	}
	oneOf(cmd, "baseline", baselines...)
	beginsWith(cmd, "target", targetForms...)
	return cmd
}

// targetForms are the prefixes of what --target and --grad take, for completion.
var targetForms = []string{"score", "score:", "logit", "logit:", "logprob", "logprob:", "diff:"}

func methodNames() []string {
	var names []string
	for _, m := range attribution.Methods() {
		names = append(names, string(m))
	}
	return names
}

func (f *attendFlags) check(cmd *cobra.Command) error {
	switch {
	case !slices.Contains(methodNames(), f.method):
		return fmt.Errorf("--method %q is unknown; %s are known", f.method, strings.Join(methodNames(), ", "))
	case f.out == "" && !f.json && !f.faithfulness:
		return errors.New("--out is missing: name a file, or print the map with --json, or what it is worth with --faithfulness")
	}
	ext := ""
	if f.out != "" {
		var err error
		if ext, err = report.Kind(f.out, append(report.MapKinds, pageKind)...); err != nil {
			return err
		}
	}
	if err := f.style.check(); err != nil {
		return err
	}
	if !slices.Contains(attribution.Baselines(), attribution.Baseline(f.baseline)) {
		return fmt.Errorf("--baseline %q is unknown; mean, grey, black and blur are known", f.baseline)
	}
	if err := f.refuseUnused(cmd, ext); err != nil {
		return err
	}
	switch {
	case f.each && (f.method != string(attribution.Raw) || ext != ".png"):
		return errors.New("--each goes with --method raw and --out F.png")
	case f.each && (f.json || f.faithfulness):
		return errors.New("--each draws every head apart; ask for --json and --faithfulness without it")
	case ext == pageKind && (f.json || f.faithfulness):
		return errors.New("--out F.html is an analysis of its own; ask for --json and --faithfulness apart")
	}
	f.options.Baseline, f.measure.Baseline = attribution.Baseline(f.baseline), attribution.Baseline(f.baseline)
	return nil
}

// refuseUnused refuses flags that would change nothing, numbers that count nothing, and lists that name one twice.
func (f *attendFlags) refuseUnused(cmd *cobra.Command, ext string) error {
	is := func(methods ...attribution.Method) bool {
		return slices.Contains(methods, attribution.Method(f.method))
	}
	page := ext == pageKind
	averages := is(attribution.Raw, attribution.Relative)
	if err := refuseUnused(cmd,
		goesWith{"target", attribution.Explains(attribution.Method(f.method)) || f.faithfulness || page, "--faithfulness, or a --method that explains a target: relevance, gradcam, integrated, occlusion, contribution"},
		goesWith{"query", (averages || is(attribution.Rollout) || page) && !f.options.Tower, "--method raw, relative or rollout, and without --tower"},
		goesWith{"layers", averages || is(attribution.GradCAM), "--method raw, relative or gradcam"},
		goesWith{"heads", averages, "--method raw or relative"},
		goesWith{"tower", is(attribution.Raw, attribution.Rollout), "--method raw or rollout"},
		goesWith{"patches", is(attribution.Raw) && f.options.Tower, "--method raw and --tower"},
		goesWith{"generic", is(attribution.Relative), "--method relative"},
		goesWith{"steps", is(attribution.Integrated), "--method integrated"},
		goesWith{"baseline", is(attribution.Integrated, attribution.Occlusion) || f.faithfulness, "--method integrated or occlusion, or --faithfulness"},
		goesWith{"window", is(attribution.Occlusion), "--method occlusion"},
		goesWith{"stride", is(attribution.Occlusion), "--method occlusion"},
		goesWith{"curve-steps", f.faithfulness, "--faithfulness"},
		goesWith{"random-orders", f.faithfulness, "--faithfulness"},
		goesWith{"seed", f.faithfulness, "--faithfulness"},
		goesWith{"answer", page, "--out F.html"},
	); err != nil {
		return err
	}
	if err := f.style.refuseUnused(cmd, ext == ".png", "--out F.png"); err != nil {
		return err
	}
	if err := refuseRepeated(cmd, "layers", "heads", "patches"); err != nil {
		return err
	}
	return requireAtLeast(cmd, 1, "answer", "steps", "window", "stride", "curve-steps", "random-orders")
}

func (f *attendFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(cmd); err != nil {
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
	if f.target != "" {
		target, err := loupe.ParseGradTarget(f.target, m.Tokenizer)
		if err != nil {
			return usageError{errors.New(strings.Replace(err.Error(), "TraceOptions.Grad", "--target", 1))}
		}
		f.options.Target, f.measure.Target = &target, &target
	}
	in, err := f.input.read(cmd.Context(), m, args)
	if err != nil {
		return err
	}
	prompt, err := m.Prepare(cmd.Context(), in)
	if err != nil {
		return err
	}
	if attribution.Method(f.method) == attribution.Relative {
		if f.options.Generic, err = m.Prepare(cmd.Context(), attribution.WithQuestion(in, f.generic)); err != nil {
			return err
		}
	}
	f.style.style.About, f.style.style.Detail = report.About(m, in), report.Detail(m, prompt, attribution.Method(f.method), f.options, f.each)
	switch {
	case f.each:
		return report.SaveHeads(cmd.Context(), f.out, m, prompt, f.options, f.style.style)
	case strings.EqualFold(filepath.Ext(f.out), pageKind):
		o := report.AnalysisOptions{Tokens: f.answer, Methods: report.DefaultMethods(m, attribution.Method(f.method)), Options: f.options}
		page, err := report.Analyze(cmd.Context(), m, prompt, o)
		if err != nil {
			return err
		}
		return report.SaveHTML(f.out, page)
	}
	bar := newProgress("attend "+f.method, 0)
	defer bar.end()
	f.options.Progress = bar.at
	a := report.Attended{}
	if a.Map, err = attribution.Compute(cmd.Context(), m, prompt, attribution.Method(f.method), f.options); err != nil {
		return err
	}
	a.Map.Note = inFlags(a.Map.Note)
	printNote(a.Map.Note)
	if f.faithfulness {
		if a.Faithfulness, err = attribution.Measure(cmd.Context(), m, prompt, a.Map, f.measure); err != nil {
			return err
		}
		a.Faithfulness.Note = inFlags(a.Faithfulness.Note)
		printNote(a.Faithfulness.Note)
	}
	if f.out != "" {
		if err := report.SaveMap(f.out, prompt, m.Processor, a, f.style.style); err != nil {
			return err
		}
	}
	if f.json {
		return json.NewEncoder(stdout).Encode(a)
	}
	if f.faithfulness {
		return printFaithfulness(a.Faithfulness)
	}
	return nil
}

// printFaithfulness prints the areas, and how much better than random orders they are.
func printFaithfulness(f *attribution.Faithfulness) error {
	w := tabwriter.NewWriter(screen, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "%s, %d cells\tarea\trandom orders (%d)\tmargin\n", f.Unit, f.Cells, f.Random.Orders)
	fmt.Fprintf(w, "deletion (less is better)\t%s\t%s\t%s %%\n", figure.Fixed(f.Deletion.Area, 4), spread(f.Random, f.Random.Deletion, f.Random.DeletionSD), signed(100*f.DeletionMargin))
	fmt.Fprintf(w, "insertion (more is better)\t%s\t%s\t%s %%\n", figure.Fixed(f.Insertion.Area, 4), spread(f.Random, f.Random.Insertion, f.Random.InsertionSD), signed(100*f.InsertionMargin))
	return w.Flush()
}

// spread is the mean area of random orders, and its standard deviation where there are several.
func spread(r attribution.Random, c attribution.Curve, sd float64) string {
	if r.Orders < 2 {
		return figure.Fixed(c.Area, 4)
	}
	return figure.Fixed(c.Area, 4) + " ± " + figure.Fixed(sd, 4)
}

// signed is a number with one digit after the point and its sign.
func signed(v float64) string {
	text := figure.Fixed(v, 1)
	if !strings.HasPrefix(text, "-") {
		text = "+" + text
	}
	return text
}

// styleFlags choose how a map is drawn: the same on every command that draws one.
type styleFlags struct {
	style  figure.Style
	colors string
}

func (f *styleFlags) register(cmd *cobra.Command) {
	f.style = figure.DefaultStyle()
	fl := cmd.Flags()
	fl.StringVar(&f.colors, "colors", "viridis", "color map of pictures: `viridis`|magma")
	oneOf(cmd, "colors", "viridis", "magma")
	fl.Float64Var(&f.style.Alpha, "alpha", f.style.Alpha, "how much the colors cover the picture, 0 to 1")
	fl.BoolVar(&f.style.Smooth, "smooth", false, "go over from cell to cell, in place of the hard edges that the model's grid has")
}

func (f *styleFlags) check() (err error) {
	if !(f.style.Alpha >= 0 && f.style.Alpha <= 1) {
		return fmt.Errorf("--alpha is %v; give a number from 0 to 1", f.style.Alpha)
	}
	f.style.Colors, err = figure.ColorsOf(f.colors)
	return err
}

// refuseUnused refuses the flags if nothing is drawn.
func (f *styleFlags) refuseUnused(cmd *cobra.Command, drawn bool, with string) error {
	return refuseUnused(cmd, goesWith{"colors", drawn, with}, goesWith{"alpha", drawn, with}, goesWith{"smooth", drawn, with})
}
