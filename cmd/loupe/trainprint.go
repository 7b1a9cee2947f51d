package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/spf13/cobra"
)

// printResult prints the result of a run.
func (f *trainFlags) printResult(r *train.Result) error {
	if f.json {
		return json.NewEncoder(stdout).Encode(r)
	}
	w := tabwriter.NewWriter(screen, 0, 4, 2, ' ', 0)
	if r.Fit != nil {
		printFit(w, r.Fit)
	} else {
		fmt.Fprintf(w, "learned from\t%s\n", ofPictures(r.Records, r.Pictures))
	}
	printRaters(w, r.Raters)
	if r.Last != nil {
		fmt.Fprintf(w, "steps\t%d\nloss of the last\t%.4f\n", r.Steps, r.Last.Loss)
	}
	if r.Eval != nil {
		fmt.Fprintf(w, "kept\tstep %d\nevaluation: loss\t%.4f\nevaluation: MAE\t%s\nevaluation: Pearson r\t%s\n", r.Kept, r.Eval.Loss, decimal(r.Eval.MAE), decimal(r.Eval.Pearson))
	}
	if r.Device != nil {
		fmt.Fprintf(w, "computed on\t%s\n", r.Device)
	}
	fmt.Fprintf(w, "written to\t%s\n", disk.Visible(f.options.Out))
	return w.Flush()
}

// printFit prints how well a head was fitted.
func printFit(w io.Writer, f *train.Fit) {
	left := "left one out: RMSE"
	if f.Parts > 0 {
		left = fmt.Sprintf("left 1/%d out: RMSE", f.Parts)
	}
	fmt.Fprintf(w, "fitted to %d pictures\t%s\tevaluation: MAE\tPearson r\n", f.Pictures, left)
	for _, t := range f.Targets {
		switch {
		case t.Records == 0:
			fmt.Fprintf(w, "%s\tkept as it was: no record has it\t\t\n", disk.Visible(t.Name))
		case t.Pictures != f.Pictures:
			fmt.Fprintf(w, "%s, of %d pictures\t%s\t%s\t%s\n", disk.Visible(t.Name), t.Pictures, decimal(t.LeftOut), decimal(t.MAE), decimal(t.Pearson))
		default:
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", disk.Visible(t.Name), decimal(t.LeftOut), decimal(t.MAE), decimal(t.Pearson))
		}
	}
}

// ofPictures says how many records are of how many pictures.
func ofPictures(records, pictures int) string {
	if records == pictures {
		return fmt.Sprintf("%d pictures", pictures)
	}
	return fmt.Sprintf("%d records of %d pictures", records, pictures)
}

// printRaters says how far the raters of the same pictures agree.
func printRaters(w io.Writer, raters map[string]*metrics.Agreement) {
	for _, name := range sortedNames(raters) {
		a := raters[name]
		fmt.Fprintf(w, "raters of %s, %d ratings of %d pictures:\tvalue\t95 %% interval\t\n", disk.Visible(name), a.Ratings, a.Pictures)
		printEstimate(w, "ICC(1,1)", a.ICC)
		printEstimate(w, "Fleiss's kappa, "+inSteps(a.Step), a.Kappa)
	}
}

// inSteps says to which step scores are rounded for kappa.
func inSteps(step float64) string {
	if step == 0 {
		return "squared differences"
	}
	return fmt.Sprintf("quadratic, in steps of %g", step)
}

// decimal is a number that may be missing.
func decimal(v *float64) string {
	if v == nil {
		return "-"
	}
	return figure.Fixed(*v, 3)
}

// planShape prints the plan of a run on a published shape, which needs no model and no data.
func (f *trainFlags) planShape(cmd *cobra.Command) error {
	switch {
	case !f.dry:
		return usageError{errors.New("--shape has no weights to train; it is for --dry-run")}
	case f.shape != "2b" && f.shape != "7b":
		return usageError{fmt.Errorf("--shape %s is unknown; give 2b or 7b", f.shape)}
	case f.model.model != "" || f.options.Data != "":
		return usageError{errors.New("--shape stands in place of --model and --data; leave these away")}
	case f.tokens < 1 || f.tokens > 1<<14:
		return usageError{fmt.Errorf("--picture-tokens is %d; give a number from 1 to 16384", f.tokens)}
	}
	if err := refuseAllBut(cmd, "a plan from --shape has no model and no data", shapeFlags...); err != nil {
		return err
	}
	plan, err := train.PlanShape(cmd.Context(), f.shape, f.options, f.tokens)
	if err != nil {
		return err
	}
	return f.printPlan(plan)
}

// printData prints what training data hold.
func printData(w io.Writer, s *train.Summary) {
	fmt.Fprintf(w, "records\t%d\t%d to learn from, %d for evaluation", s.Records, s.Learn, s.Evaluate)
	if s.LeftOut > 0 {
		fmt.Fprintf(w, ", %d of the split test left out", s.LeftOut)
	}
	fmt.Fprintf(w, "\npictures\t%d\t", s.Pictures)
	if s.Several > 0 {
		fmt.Fprintf(w, "%d records have several; ", s.Several)
	}
	fmt.Fprintf(w, "%d records have none\ncopies\t%d\tfiles with the pixels of another\n", s.TextOnly, s.Copies)
	if s.Rated > 0 {
		fmt.Fprintf(w, "raters\t%d\trecords of one picture at most; %d pictures have several\n", s.Raters, s.Rated)
	} else {
		fmt.Fprintf(w, "raters\t1\tno picture has several records with numbers\n")
	}
	fmt.Fprintf(w, "critiques\t%d\t\n", s.Critiques)
	scores := 0
	for _, t := range s.Targets {
		if t.Name == "score" {
			scores = t.Values
		}
	}
	if scores == 0 {
		fmt.Fprintf(w, "scores\t0\t\n")
	}
	for _, t := range s.Targets {
		name := "target " + t.Name
		if t.Name == "score" {
			name = "scores"
		}
		fmt.Fprintf(w, "%s\t%d\t%g to %g, mean %.4g\n", disk.Visible(name), t.Values, t.Least, t.Most, t.Mean)
	}
}

// printPlan prints the memory that a run would take.
func (f *trainFlags) printPlan(p *train.Plan) error {
	if f.json {
		return json.NewEncoder(stdout).Encode(p)
	}
	gb := func(n int64) string { return fmt.Sprintf("%.2f GB", float64(n)/1e9) }
	activations, how := p.Kept, "all kept"
	if p.Recompute {
		activations, how = p.Recomputed, "products, and one block's others; all would take "+gb(p.Kept)
	}
	w := tabwriter.NewWriter(screen, 0, 4, 2, ' ', 0)
	if p.Data != nil {
		printData(w, p.Data)
	}
	fmt.Fprintf(w, "weights\t%s\tmapped from the file\n", gb(p.Weights))
	fmt.Fprintf(w, "what learns\t%s\t%d numbers: values, gradients, two moments\n", gb(p.Learned), p.Parameters)
	fmt.Fprintf(w, "activations\t%s\t%s\n", gb(activations), how)
	fmt.Fprintf(w, "program\t%s\tabout\n", gb(p.Program))
	fmt.Fprintf(w, "peak\t%s\twith a record of %d tokens, %d patches\n", gb(p.Peak), p.Tokens, p.Patches)
	if p.Free > 0 {
		fmt.Fprintf(w, "free now\t%s\n", gb(p.Free))
	}
	return w.Flush()
}
