package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/spf13/cobra"
)

func auditStatsCommand() *cobra.Command {
	var keys []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stats DIR",
		Short: "distributions of scores, agreement with reviews, and decisions that were made twice",
		Long: `Says from the log alone how scores are distributed (over all, by week, model and adapter), how they agree with reviews (the metrics of
` + "`loupe eval`" + `, with the person's score as the truth), and whether decisions with equal inputs ever gave other results: there must be none.
The exit status is 1 where there are.`,
		Args: auditDirArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := openArchive(args[0], keys)
			if err != nil {
				return err
			}
			s, err := a.Stats(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(stdout).Encode(s)
			} else {
				err = printStats(s)
			}
			if err == nil && len(s.Differing) > 0 {
				err = fmt.Errorf("%d decisions with equal inputs gave other results; `loupe verify` says which of them is wrong", len(s.Differing))
			}
			return err
		},
	}
	keyFlag(cmd, &keys)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func printStats(s *audit.Stats) error {
	w := tabwriter.NewWriter(screen, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "decisions\t%d, %d with a score\n", s.Decisions, s.Scored)
	fmt.Fprintf(w, "made twice\t%d, with other results %d", s.Repeated, len(s.Differing))
	if s.Unknown > 0 {
		fmt.Fprintf(w, " (%d were redacted and cannot be compared)", s.Unknown)
	}
	fmt.Fprintln(w)
	for _, d := range s.Differing {
		fmt.Fprintf(w, "  entry %d\tagainst entry %d: %s\n", d.Entry, d.Earlier, d.What)
	}
	fmt.Fprintln(w, "\nscores by\tgroup\tn\tmean\tstd\tmin\t25 %\tmedian\t75 %\tmax")
	for _, g := range s.Groups {
		fmt.Fprintf(w, "%s\t%s\t%d\t%.2f\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\n", g.By, g.Group, g.N, g.Mean, g.Std, g.Min, g.Q25, g.Median, g.Q75, g.Max)
	}
	if len(s.Reviews) > 0 {
		fmt.Fprintln(w, "\nreviews by\tn\tbias\tMAE\tPearson r\tQWK\tICC")
	}
	for _, r := range s.Reviews {
		who := r.Reviewer
		if who == "" {
			who = "all"
		}
		fmt.Fprintf(w, "%s\t%d\t%+.2f\t%.2f\t%.3f\t%.3f\t%.3f\n", oneLine(who), r.N, r.Bias, r.Report.MAE.Value, r.Report.Pearson.Value, r.Report.QWK.Value, r.Report.ICC.Value)
	}
	return w.Flush()
}

func auditExportCommand() *cobra.Command {
	var keys []string
	var format string
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "print every entry as CSV or JSON Lines",
		Args:  auditDirArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := openArchive(args[0], keys)
			if err != nil {
				return err
			}
			switch format {
			case "csv":
				return a.ExportCSV(cmd.Context(), stdout)
			case "jsonl":
				return a.ExportJSON(cmd.Context(), stdout)
			}
			return usageError{errors.New("--format is csv or jsonl")}
		},
	}
	keyFlag(cmd, &keys)
	cmd.Flags().StringVar(&format, "format", "csv", "`csv` (a row for each target) or jsonl (the statement of each entry)")
	must(cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"csv", "jsonl"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}
