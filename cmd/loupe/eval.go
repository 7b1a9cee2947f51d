package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/weights"
	"github.com/spf13/cobra"
)

type evalFlags struct {
	model            modelFlags
	data, split, out string
	plots            string
	options          metrics.Options
	json             bool
}

func evalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "hold a model's scores against true ones",
		Long: `Scores the pictures of --data and says how well the scores follow the true ones: correlation, error and agreement, each
with a 95 % bootstrap interval, beside the error of always predicting the mean.

A CSV file of two columns, the true and the predicted score, is evaluated without any model.`,
		Example: `  loupe eval --model DIR --adapter tuned --data pictures.jsonl --split eval
  loupe eval --data scores.csv --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.model.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", "", "`FILE` of records, as train takes it, or a CSV of two columns")
	fl.StringVar(&f.split, "split", "", "evaluate only records whose split is this: train|eval")
	fl.StringVar(&f.out, "out", "", "`FILE.jsonl` for one line a picture")
	fl.StringVar(&f.plots, "plots", "", "`DIR` for calibration.png and residuals.png")
	fl.Uint64Var(&f.options.Seed, "seed", 0, "of the bootstrap")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	return cmd
}

func (f *evalFlags) run(cmd *cobra.Command) error {
	if f.data == "" {
		return usageError{errors.New("--data is missing: name a file of records, or a CSV of true and predicted scores")}
	}
	if f.split != "" && f.split != "train" && f.split != "eval" {
		return usageError{fmt.Errorf("--split is %q; give train or eval", f.split)}
	}
	pairs, isPairs, err := readPairs(f.data)
	if err != nil {
		return err
	}
	if isPairs {
		report, err := metrics.Evaluate(pairs, f.options)
		if err != nil {
			return err
		}
		return f.print(&train.Evaluation{Report: report, Pairs: pairs})
	}
	return f.evaluate(cmd)
}

// readPairs reads a table of scores, if data is one: a CSV without a column of images.
func readPairs(data string) (p metrics.Pairs, ok bool, err error) {
	if !strings.EqualFold(filepath.Ext(data), ".csv") {
		return p, false, nil
	}
	text, err := os.ReadFile(data)
	if err != nil {
		return p, false, fmt.Errorf("read scores: %w", err)
	}
	header, _, _ := strings.Cut(strings.TrimPrefix(string(text), "\ufeff"), "\n")
	if slices.ContainsFunc(strings.Split(header, ","), func(name string) bool { return strings.Trim(strings.TrimSpace(name), `"`) == "image" }) {
		return p, false, nil
	}
	p, err = metrics.ReadPairs(bytes.NewReader(text), data)
	return p, true, err
}

func (f *evalFlags) evaluate(cmd *cobra.Command) error {
	records, err := train.ReadRecords(f.data)
	if err != nil {
		return err
	}
	if f.split != "" {
		records = slices.DeleteFunc(records, func(r train.Record) bool { return r.Split != f.split })
		if len(records) == 0 {
			return fmt.Errorf("%s: no record has the split %s", f.data, f.split)
		}
	}
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	if f.options.Min == f.options.Max && m.Head != nil {
		f.options.Min, f.options.Max = m.Head.Config.Targets[0].Min, m.Head.Config.Targets[0].Max
	}
	var lines bytes.Buffer
	e, err := train.Evaluate(cmd.Context(), m, records, f.options, &lines)
	if err != nil {
		return err
	}
	if f.out != "" {
		if err := weights.WriteFileAtomic(f.out, func(w io.Writer) error { _, err := w.Write(lines.Bytes()); return err }); err != nil {
			return err
		}
	}
	return f.print(e)
}

// print writes the report, and the plots where they are asked for.
func (f *evalFlags) print(e *train.Evaluation) error {
	if f.plots != "" {
		if err := os.MkdirAll(f.plots, 0o777); err != nil {
			return fmt.Errorf("make --plots: %w", err)
		}
		if err := errors.Join(metrics.PlotCalibration(filepath.Join(f.plots, "calibration.png"), e.Pairs, 10), metrics.PlotResiduals(filepath.Join(f.plots, "residuals.png"), e.Pairs)); err != nil {
			return err
		}
	}
	if f.json {
		return json.NewEncoder(os.Stdout).Encode(e)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "%d pictures\tvalue\t95 %% interval\n", e.N)
	for _, row := range []struct {
		name string
		of   metrics.Estimate
	}{
		{"Pearson r", e.Pearson}, {"Spearman rho", e.Spearman}, {"MAE", e.MAE}, {"RMSE", e.RMSE}, {"R2", e.R2},
		{"quadratic weighted kappa", e.QWK}, {"ICC(2,1)", e.ICC}, {"MAE of the mean", e.Baseline},
	} {
		fmt.Fprintf(w, "%s\t%.4f\t%.4f to %.4f\n", row.name, row.of.Value, row.of.Low, row.of.High)
	}
	for _, name := range sortedNames(e.Targets) {
		fmt.Fprintf(w, "%s: r, MAE\t%.4f\t%.4f\n", name, e.Targets[name].Pearson.Value, e.Targets[name].MAE.Value)
	}
	return w.Flush()
}

func sortedNames[T any](m map[string]T) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
