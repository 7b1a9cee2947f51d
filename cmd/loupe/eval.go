package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/runtime/train/sbert"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/spf13/cobra"
)

type evalFlags struct {
	model            modelFlags
	records          dataFlags
	data, split, out string
	plots, sbert     string
	intervene        string
	options          train.EvalOptions
	json             bool
}

func evalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "hold a model's scores and critiques against true ones",
		Long: `Scores the pictures of --data and says how well the scores follow the true ones: correlation, error and agreement, each
with a 95 % bootstrap interval, beside the error of always predicting the mean. A picture that cannot be read is left out and
told of, and the exit status is 1.

With --sbert DIR the model writes a critique of each picture too, in the same pass, and a sentence encoder (a BERT in the
layout of sentence-transformers, such as all-MiniLM-L6-v2) says how near it comes to the record's: the mean cosine, and beside
it the control, each critique against the reference of another picture.

A target is compared with the head's of the same name. Several ratings of one picture are their mean, or with --raters each count
each; intervals are over pictures, and too narrow where these are few. Errors are in the unit of the scores; kappa is over
the scores' own steps. docs/definitions.md has each number's formula, source and what it is not.

--intervene FILE.json makes changes while the model runs, as in trace: the correlation that is left says what scores owe to a
part of the model, which one picture cannot.

Two tables are evaluated without any model: a CSV file of two columns, the true and the predicted score; and with --sbert one
with the columns reference and critique.`,
		Example: `  loupe eval --model DIR --adapter tuned --data tuned/held-out.jsonl
  loupe eval --model DIR --data pictures.jsonl --sbert all-MiniLM-L6-v2 --out lines.jsonl
  loupe eval --data scores.csv --plots figures --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.model.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", "", "`FILE` of records, as train takes it, or a CSV of two columns")
	f.records.register(cmd)
	fl.StringVar(&f.split, "split", "", "evaluate only records whose split is this: `train`|eval|test")
	fl.StringVar(&f.sbert, "sbert", "", "`DIR` of a sentence encoder; write critiques and compare them with the records'")
	fl.BoolVar(&f.options.Critique, "critique", false, "write critiques, into the lines of --out (--sbert does so anyway)")
	fl.IntVar(&f.options.Generation.MaxTokens, "max-tokens", 256, "most tokens of a critique; each is the likeliest")
	fl.StringVar(&f.intervene, "intervene", "", "`FILE.json` of changes to make while the model runs, as trace takes it; of scores alone")
	fl.StringVar(&f.out, "out", "", "`FILE.jsonl` for one line a picture")
	fl.StringVar(&f.plots, "plots", "", "`DIR` for calibration.png and residuals.png")
	fl.StringVar(&f.options.Raters, "raters", train.RatersMean, "what several ratings of one picture come to: their `mean`|each (counts by itself); intervals are over pictures either way")
	fl.Float64Var(&f.options.Step, "score-step", 0, "distance of kappa's classes (default: the largest of 1, 0.5, 0.25, 0.2, 0.1 ... that all true scores are multiples of)")
	fl.Uint64Var(&f.options.Seed, "seed", 0, "of the bootstrap and of the control's order")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	must(cmd.MarkFlagFilename("data", "jsonl", "json", "csv", "tsv"))
	must(cmd.MarkFlagFilename("intervene", "json"))
	oneOf(cmd, "split", "train", "eval", "test")
	oneOf(cmd, "raters", train.RaterModes...)
	must(cmd.MarkFlagDirname("sbert"))
	must(cmd.MarkFlagDirname("plots"))
	return cmd
}

func (f *evalFlags) run(cmd *cobra.Command) error {
	switch {
	case f.data == "":
		return usageError{errors.New("--data is missing: name a file of records, or a CSV of true and predicted scores")}
	case f.split != "" && f.split != "train" && f.split != "eval" && f.split != "test":
		return usageError{fmt.Errorf("--split is %q; give train, eval or test", f.split)}
	case f.options.Critique && f.out == "":
		return usageError{errors.New("--critique writes into the lines of --out: name a file there")}
	case f.intervene != "" && (f.options.Critique || f.sbert != ""):
		return usageError{errors.New("--intervene changes scores alone; leave --critique and --sbert away")}
	case cmd.Flags().Changed("score-step") && !(f.options.Step > 0 && !math.IsInf(f.options.Step, 0)):
		return usageError{fmt.Errorf("--score-step is %v; give a finite number above 0", f.options.Step)}
	case !slices.Contains(train.RaterModes, f.options.Raters):
		return usageError{fmt.Errorf("--raters %q is unknown; give mean or each", f.options.Raters)}
	case f.options.Generation.MaxTokens < 1:
		return usageError{fmt.Errorf("--max-tokens is %d; give a number above 0", f.options.Generation.MaxTokens)}
	}
	if err := f.records.check(cmd); err != nil {
		return err
	}
	release, err := keep(f.out)
	if err != nil {
		return err
	}
	defer release()
	table, err := readTable(cmd.Context(), f.data, f.records.options.Columns)
	switch {
	case err != nil:
		return err
	case table == nil && !f.options.Critique && f.sbert == "" && cmd.Flags().Changed("max-tokens"):
		return usageError{errors.New("--max-tokens would change nothing: no critique is written; give --critique or --sbert, or leave it away")}
	case table == nil:
		return f.evaluate(cmd)
	case f.sbert != "":
		if err := refuseAllBut(cmd, f.data+" has no column image: it is a table of texts to compare, without pictures or scores", "data", "sbert", "out", "seed", "json", "threads", "kernels"); err != nil {
			return err
		}
		return f.compareTexts(cmd, table)
	}
	if err := refuseAllBut(cmd, f.data+" has no column image: it is a table of scores, without pictures", "data", "score-step", "seed", "plots", "json"); err != nil {
		return err
	}
	pairs, err := disk.Await(cmd.Context(), func() (metrics.Pairs, error) { return metrics.ReadPairs(bytes.NewReader(table), f.data) })
	if err != nil {
		return fmt.Errorf("%w (records of pictures would have a column image)", err)
	}
	report, err := metrics.Evaluate(cmd.Context(), pairs, f.options.Options)
	if err != nil {
		return err
	}
	return f.print(&train.Evaluation{Report: &report, Pairs: pairs})
}

// readTable reads a CSV without a column of images: two columns to compare. nil: the file is something else.
func readTable(ctx context.Context, data string, columns train.Columns) ([]byte, error) {
	if !isTableName(data) || disk.IsDir(data) {
		return nil, nil
	}
	text, err := disk.ReadContext(ctx, data, disk.DataLimit)
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	if train.IsTableOfRecords(text, columns) {
		return nil, nil
	}
	return text, nil // disk.Read never gives nil
}

// compareTexts compares two columns of texts, without any model but the sentence encoder.
func (f *evalFlags) compareTexts(cmd *cobra.Command, table []byte) error {
	references, critiques, err := train.ReadCritiques(bytes.NewReader(table), f.data)
	if err != nil {
		return err
	}
	engine, err := kernels.New(kernels.Options{Threads: f.model.options.Threads, Kernels: f.model.options.Kernels})
	if err != nil {
		return usageError{err}
	}
	defer engine.Close()
	encoder, err := sbert.Load(f.sbert, cpu.New(engine))
	if err != nil {
		return err
	}
	defer encoder.Close()
	l, cosines, err := train.CompareCritiques(cmd.Context(), encoder, references, critiques, f.options.Options)
	if err != nil {
		return err
	}
	var lines bytes.Buffer
	for i, c := range cosines {
		fmt.Fprintf(&lines, "{\"pair\":%d,\"cosine\":%v}\n", i+1, c)
	}
	if err := f.writeLines(lines.Bytes()); err != nil {
		return err
	}
	return f.print(&train.Evaluation{Similarity: l})
}

// evaluate runs the model over the records.
func (f *evalFlags) evaluate(cmd *cobra.Command) error {
	records, err := f.records.read(cmd, f.data)
	if err != nil {
		return err
	}
	if f.split != "" {
		records = slices.DeleteFunc(records, func(r train.Record) bool { return r.Split != f.split })
		if len(records) == 0 {
			return fmt.Errorf("%s: no record has the split %s; what train --eval-split kept for evaluation is in its OUT/held-out.jsonl", f.data, f.split)
		}
	}
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	if f.options.Critique || f.sbert != "" {
		if f.options.Generation, err = published(m, f.options.Generation); err != nil {
			return err
		}
	}
	if f.intervene != "" {
		if f.options.Interventions, err = readInterventions(cmd, m, f.intervene); err != nil {
			return err
		}
	}
	e, err := f.judge(cmd, m, records)
	if err != nil {
		return err
	}
	return errors.Join(f.print(e), e.Err())
}

// judge evaluates the records and writes --out, even if the work was interrupted.
func (f *evalFlags) judge(cmd *cobra.Command, m *loupe.Model, records []train.Record) (*train.Evaluation, error) {
	if f.sbert != "" {
		encoder, err := sbert.Load(f.sbert, m.Device())
		if err != nil {
			return nil, err
		}
		defer encoder.Close()
		f.options.Encoder = encoder
	}
	bar := newProgress("eval", len(records))
	defer bar.end()
	f.options.Done = func(n int) { bar.at(n, len(records)) }
	var lines bytes.Buffer
	f.options.Lines = &lines
	f.options.ErrorText = func(err error) string { return inFlags(err.Error()) }
	e, err := train.Evaluate(cmd.Context(), m, records, f.options)
	if lines.Len() > 0 {
		err = errors.Join(err, f.writeLines(lines.Bytes()))
	}
	return e, err
}

func (f *evalFlags) writeLines(lines []byte) error {
	if f.out == "" {
		return nil
	}
	return disk.WriteFile(f.out, func(w io.Writer) error { _, err := w.Write(lines); return err })
}
