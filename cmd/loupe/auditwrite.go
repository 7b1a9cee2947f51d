package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/spf13/cobra"
)

// writing opens a directory of records to append to, and closes it.
func writing(dir string, o audit.Options, do func(*audit.Book) error) error {
	if _, err := os.Stat(filepath.Join(dir, "log", "checkpoint")); err != nil {
		return fmt.Errorf("%s holds no log of decisions; give a directory that --audit filled", dir)
	}
	b, err := audit.OpenBook(dir, o)
	if err != nil {
		return err
	}
	reportTorn(b)
	return errors.Join(do(b), b.Close())
}

func auditReviewCommand() *cobra.Command {
	var o audit.Options
	var by, why, target string
	var score float64
	cmd := &cobra.Command{
		Use:     "review DIR N",
		Short:   "append a person's judgment of a decision, signed, beside the model's",
		Example: `  loupe audit review audits/ 17 --score 70 --by "A. Lovelace" --why "the frame was scored, not the painting"`,
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, n, err := entryArgs(args)
			if err != nil {
				return err
			}
			return writing(dir, o, func(b *audit.Book) error {
				var given *float64
				if cmd.Flags().Changed("score") {
					given = &score
				}
				at, err := b.Review(cmd.Context(), n, target, given, by, why)
				if err == nil {
					_, err = fmt.Fprintf(screen, "entry %d: review of entry %d\n", at, n)
				}
				return err
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&o.KeyFile, "audit-key", "", "`FILE` of the private key that signs (default: DIR/keys/audit.key)")
	fl.Float64Var(&score, "score", 0, "the reviewer's score (default: none)")
	fl.StringVar(&target, "target", "", "`NAME` of the target that --score is of (default: the first)")
	fl.StringVar(&by, "by", "", "`NAME` of the reviewer")
	fl.StringVar(&why, "why", "", "`TEXT`: the reason")
	must(cmd.MarkFlagRequired("by"))
	must(cmd.MarkFlagRequired("why"))
	return cmd
}

func auditRedactCommand() *cobra.Command {
	var o audit.Options
	var r audit.RedactOptions
	var older string
	cmd := &cobra.Command{
		Use:   "redact DIR [N]...",
		Short: "remove the pictures and texts of decisions; their digests stay provable",
		Long: `Removes what tells of a person: the pictures, the words asked and answered, and maps of them. The log gets an entry that says so. The
decisions, their scores and every digest stay, so that whoever has a copy of a picture can prove that it was the one; they can be replayed no more.`,
		Example: `  loupe audit redact audits/ 17 --by "data protection officer" --why "on request"
  loupe audit redact audits/ --older-than 4380h`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (older == "") == (len(args) == 1) {
				return usageError{errors.New("audit redact: give numbers of entries, or --older-than, and not both")}
			}
			var entries []int64
			for _, a := range args[1:] {
				_, n, err := entryArgs([]string{args[0], a})
				if err != nil {
					return err
				}
				entries = append(entries, n)
			}
			return writing(args[0], o, func(b *audit.Book) error {
				if older != "" {
					var err error
					if entries, err = olderThan(cmd, args[0], older); err != nil {
						return err
					}
					if len(entries) == 0 {
						_, err := fmt.Fprintln(screen, "nothing that old is kept")
						return err
					}
				}
				done, err := b.Redact(cmd.Context(), entries, r)
				if err == nil {
					_, err = fmt.Fprintf(screen, "entry %d: %d files of %d decisions redacted\n", done.Entry, done.Files, len(entries))
				}
				return err
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&o.KeyFile, "audit-key", "", "`FILE` of the private key that signs (default: DIR/keys/audit.key)")
	fl.StringVar(&older, "older-than", "", "redact every decision older than this: `DURATION` as in 720h, or a date as in 2026-01-31")
	fl.BoolVar(&r.Shared, "shared", false, "let go of pictures that other decisions have too")
	fl.StringVar(&r.By, "by", "", "`NAME` of who redacts")
	fl.StringVar(&r.Why, "why", "", "`TEXT`: the reason")
	return cmd
}

// olderThan lists the decisions before a date, or so long ago.
func olderThan(cmd *cobra.Command, dir, limit string) ([]int64, error) {
	at, err := time.Parse(time.DateOnly, limit)
	if err != nil {
		d, err := time.ParseDuration(limit)
		if err != nil || d < 0 {
			return nil, usageError{fmt.Errorf("--older-than %q is neither a duration as in 720h nor a date as in 2026-01-31", limit)}
		}
		at = time.Now().Add(-d)
	}
	a, err := audit.Open(dir)
	if err != nil {
		return nil, err
	}
	return a.OlderThan(cmd.Context(), at)
}

func auditKeyCommand() *cobra.Command {
	var o audit.Options
	var add, retire, why string
	cmd := &cobra.Command{
		Use:   "key DIR",
		Short: "print the log's public keys, add a key, or end the time of one",
		Example: `  loupe audit key audits/
  loupe audit key audits/ --add new.key --why "yearly rotation"`,
		Args: auditDirArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case add != "" && retire != "":
				return usageError{errors.New("audit key: --add and --retire are two steps; give one of them")}
			case add == "" && retire == "":
				a, err := audit.Open(args[0])
				if err != nil {
					return err
				}
				for _, k := range a.Keys() {
					if _, err := fmt.Fprintf(screen, "%s\n", k.Text); err != nil {
						return err
					}
				}
				return nil
			}
			return writing(args[0], o, func(b *audit.Book) error {
				if retire != "" {
					return b.RetireKey(cmd.Context(), retire, why)
				}
				k, err := b.AddKey(cmd.Context(), add, why)
				if err == nil {
					_, err = fmt.Fprintln(screen, k.Text)
				}
				return err
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&o.KeyFile, "audit-key", "", "`FILE` of the private key that signs (default: DIR/keys/audit.key)")
	fl.StringVar(&add, "add", "", "make a new private key in `FILE`, valid from now on")
	fl.StringVar(&retire, "retire", "", "`ID` of the key that is not to be believed from now on: NAME+HASH")
	fl.StringVar(&why, "why", "", "`TEXT`: the reason, kept in the log")
	return cmd
}
