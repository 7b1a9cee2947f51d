package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/loupe-vl/loupe/runtime/audit/tiles"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/spf13/cobra"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "check, show, prove, redact and review recorded decisions",
		Long: `Works on a directory that --audit filled: an append-only log of signed decisions, and the pictures and words that they name.
docs/audit.md says what is in it, what it proves and what not.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(auditCheckCommand(), auditListCommand(), auditShowCommand(), auditProveCommand(), auditReviewCommand(), auditRedactCommand(), auditKeyCommand(), auditStatsCommand(), auditExportCommand(), auditWitnessCommand())
	return cmd
}

// keyFlag registers --key.
func keyFlag(cmd *cobra.Command, keys *[]string) {
	cmd.Flags().StringArrayVar(keys, "key", nil, "`FILE` of a public key that is trusted (default: the keys beside the log)")
}

// openArchive reads a directory of records.
func openArchive(dir string, keyFiles []string) (*audit.Archive, error) {
	keys, err := trusted(keyFiles)
	if err != nil {
		return nil, err
	}
	return audit.Open(dir, keys...)
}

func auditCheckCommand() *cobra.Command {
	var keys []string
	var since string
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "prove that the log is whole, in order and as it was written",
		Long: `Computes every hash again, checks every signature and reads every kept file, and names the first thing that does not hold.

Whoever holds the key could write the whole log anew: --since proves that nothing was rewritten which an older checkpoint covered. Keep copies
of the file log/checkpoint elsewhere, or have a witness sign them.`,
		Example: `  loupe audit check audits/
  loupe audit check audits/ --since checkpoint-of-march --key gallery.key.pub`,
		Args: auditDirArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := openArchive(args[0], keys)
			if err != nil {
				return err
			}
			c, err := a.Check(cmd.Context())
			if err != nil {
				return err
			}
			if since != "" {
				if err := checkSince(a, since); err != nil {
					return err
				}
			}
			for _, n := range c.Notes {
				printNote(n)
			}
			_, err = fmt.Fprintf(screen, "whole: %d entries (%d decisions, %d reviews, %d redactions), %d kept files redacted, root %v\n", c.Entries, c.Decisions, c.Reviews, c.Redactions, c.Redacted, a.Log.Checkpoint.Tree.Hash)
			return err
		},
	}
	keyFlag(cmd, &keys)
	cmd.Flags().StringVar(&since, "since", "", "`FILE` of an older checkpoint of this log")
	return cmd
}

func checkSince(a *audit.Archive, file string) error {
	data, err := disk.Read(file, 1<<16)
	if err != nil {
		return fmt.Errorf("read the older checkpoint: %w", err)
	}
	old, err := tiles.ParseCheckpoint(data, a.Verifiers())
	if err != nil {
		return fmt.Errorf("read the older checkpoint %s: %w", file, err)
	}
	return a.Log.Since(old)
}

func auditListCommand() *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use:   "list DIR",
		Short: "a table of the log's entries",
		Args:  auditDirArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := openArchive(args[0], keys)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(screen, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "entry\tlogged\tkind\twhat")
			err = a.Records(cmd.Context(), func(r *audit.Record) error {
				_, err := fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", r.Sequence, r.Logged[:min(19, len(r.Logged))], r.Kind(), oneLine(r.Summary()))
				return err
			})
			return errors.Join(err, w.Flush())
		},
	}
	keyFlag(cmd, &keys)
	return cmd
}

// entryArgs are DIR N.
func entryArgs(args []string) (string, int64, error) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil || n < 0 {
		return "", 0, usageError{fmt.Errorf("%q is no entry's number; `loupe audit list` prints them", args[1])}
	}
	return args[0], n, nil
}

func auditShowCommand() *cobra.Command {
	var keys []string
	var html string
	var replay audit.Replay
	cmd := &cobra.Command{
		Use:   "show DIR N",
		Short: "print the statement of one entry, or write a page about a decision for the person concerned",
		Example: `  loupe audit show audits/ 17
  loupe audit show audits/ 17 --html decision.html`,
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, n, err := entryArgs(args)
			if err != nil {
				return err
			}
			a, err := openArchive(dir, keys)
			if err != nil {
				return err
			}
			r, err := a.Record(n)
			if err != nil {
				return err
			}
			if html != "" {
				return writePage(cmd.Context(), a, r, &replay, html)
			}
			text, err := r.Indented()
			if err == nil {
				_, err = fmt.Fprintln(screen, text)
			}
			return err
		},
	}
	keyFlag(cmd, &keys)
	cmd.Flags().StringVar(&html, "html", "", "write one page, two sheets when printed, to `FILE.html`: picture, contributions, score, words, record; the decision is computed again for it")
	cmd.Flags().StringVar(&replay.Model, "model", "", "`DIR` of the model, for --html (default: where it was when the decision was made)")
	return cmd
}

// writePage writes the page of a decision.
func writePage(ctx context.Context, a *audit.Archive, r *audit.Record, replay *audit.Replay, path string) error {
	defer replay.Close()
	text, err := a.Page(ctx, r, replay)
	if err != nil {
		return err
	}
	return disk.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

func auditProveCommand() *cobra.Command {
	var keys []string
	var out string
	cmd := &cobra.Command{
		Use:   "prove DIR N",
		Short: "write one entry with the proof that the log holds it, to be checked without the log",
		Args:  usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, n, err := entryArgs(args)
			if err != nil {
				return err
			}
			a, err := openArchive(dir, keys)
			if err != nil {
				return err
			}
			if out == "" {
				out = fmt.Sprintf("proof-%d", n)
			}
			if err := a.WriteProof(cmd.Context(), n, out); err != nil {
				return err
			}
			_, err = fmt.Fprintf(screen, "written to %s; `loupe verify %s` replays it\n", out, filepath.Join(out, "record.json"))
			return err
		},
	}
	keyFlag(cmd, &keys)
	cmd.Flags().StringVar(&out, "out", "", "`DIR` to write (default: proof-N)")
	return cmd
}
