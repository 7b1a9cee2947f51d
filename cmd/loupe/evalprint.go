package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/weights/disk"
)

// calibrationBins is the number of bins of predicted scores in calibration.png.
const calibrationBins = 10

// fewest is the number of pictures below which bootstrap intervals mean little: so few values hardly show how they scatter.
const fewest = 10

// noteFew says that there are too few pictures for intervals.
func noteFew(e *train.Evaluation) {
	if e.Report != nil && e.Report.N < fewest {
		fmt.Fprintf(stderr, "note: of %d pictures alone: the intervals mean nothing, and the numbers little; give %d at the least, better a hundred\n", e.Report.N, fewest)
	}
	if e.Similarity != nil && e.Critiques < fewest {
		fmt.Fprintf(stderr, "note: of %d critiques alone: the intervals mean nothing, and the numbers little; give %d at the least, better a hundred\n", e.Critiques, fewest)
	}
}

// print writes the report, and the plots where they are asked for.
func (f *evalFlags) print(e *train.Evaluation) error {
	noteFew(e)
	if f.plots != "" {
		if err := f.plot(e); err != nil {
			return err
		}
	}
	for i, note := range e.Notes {
		printNote(note)
		e.Notes[i] = inFlags(note)
	}
	if f.json {
		return json.NewEncoder(stdout).Encode(e)
	}
	w := tabwriter.NewWriter(screen, 0, 4, 2, ' ', 0)
	if e.Report != nil {
		printReport(w, e.Report)
	}
	if e.Similarity != nil {
		fmt.Fprintf(w, "%d critiques\tvalue\t95 %% interval\n", e.Critiques)
		printEstimate(w, "SBERT cosine", e.SBERT)
		printEstimate(w, "of another picture's", e.Shuffled)
	}
	if len(e.Targets) > 0 {
		fmt.Fprintf(w, "target\tpictures\tPearson r\tMAE\n")
	}
	for _, name := range sortedNames(e.Targets) {
		t := e.Targets[name]
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", disk.Visible(name), t.Pictures, number(t.Pearson.Value), number(t.MAE.Value))
	}
	printRaters(w, e.Raters)
	return w.Flush()
}

func (f *evalFlags) plot(e *train.Evaluation) error {
	if e.Report == nil {
		return errors.New("--plots draws scores, and there are none")
	}
	if err := os.MkdirAll(f.plots, 0o777); err != nil {
		return fmt.Errorf("make --plots: %w", err)
	}
	return errors.Join(metrics.PlotCalibration(filepath.Join(f.plots, "calibration.png"), e.Pairs, calibrationBins),
		metrics.PlotResiduals(filepath.Join(f.plots, "residuals.png"), e.Pairs))
}

func printReport(w io.Writer, r *metrics.Report) {
	fmt.Fprintf(w, "%s\tvalue\t95 %% interval\n", ofPictures(r.N, r.Pictures))
	for _, row := range []struct {
		name string
		of   metrics.Estimate
	}{
		{"Pearson r", r.Pearson}, {"Spearman rho", r.Spearman}, {"MAE", r.MAE}, {"RMSE", r.RMSE}, {"R2", r.R2},
		{kappaName(r.QWKStep), r.QWK}, {"ICC(2,1)", r.ICC}, {"MAE of the mean", r.Baseline},
	} {
		printEstimate(w, row.name, row.of)
	}
}

// kappaName is kappa with its step; without one it is Lin's concordance.
func kappaName(step float64) string {
	if step == 0 {
		return "quadratic weighted kappa, not rounded"
	}
	return fmt.Sprintf("quadratic weighted kappa, steps of %g", step)
}

// printEstimate writes one row. If the statistic is not defined the reason stands in place of the interval.
func printEstimate(w io.Writer, name string, e metrics.Estimate) {
	if e.Reason != "" {
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, number(e.Value), e.Reason)
		return
	}
	fmt.Fprintf(w, "%s\t%s\t%s to %s\n", name, number(e.Value), number(e.Low), number(e.High))
}

// number writes a value, and a dash for one that is not defined.
func number(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return figure.Fixed(x, 4)
}

func sortedNames[T any](m map[string]T) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
