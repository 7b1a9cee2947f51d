package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// witnessFlags name a witness.
type witnessFlags struct{ url, key string }

func (f *witnessFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.url, "witness", "", "have the witness at `URL` sign the log at the end (C2SP tlog-witness), so that it cannot be written anew later")
	fl.StringVar(&f.key, "witness-key", "", "`FILE` of the witness's public key")
}

func (f *witnessFlags) check() error {
	if (f.url == "") != (f.key == "") {
		return usageError{errors.New("--witness URL and --witness-key FILE belong together: without its key a witness's signature is worth nothing")}
	}
	return nil
}

// ask has the witness sign the log in dir, and returns the size that it signed.
func (f *witnessFlags) ask(ctx context.Context, dir string, keys []string) (int64, error) {
	key, err := disk.Read(f.key, 4096)
	if err != nil {
		return 0, fmt.Errorf("read the witness's key: %w", err)
	}
	a, err := openArchive(dir, keys)
	if err != nil {
		return 0, err
	}
	return a.Witness(ctx, f.url, string(key))
}

func auditWitnessCommand() *cobra.Command {
	var keys []string
	var f witnessFlags
	cmd := &cobra.Command{
		Use:     "witness DIR",
		Short:   "have a witness sign the log, so that it cannot be written anew",
		Example: "  loupe audit witness audits/ --witness https://witness.example.org --witness-key witness.pub",
		Args:    auditDirArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if f.url == "" {
				return usageError{errors.New("audit witness: give --witness URL and --witness-key FILE")}
			}
			n, err := f.ask(cmd.Context(), args[0], keys)
			if err == nil {
				_, err = fmt.Fprintf(screen, "%d entries are signed by the witness\n", n)
			}
			return err
		},
	}
	keyFlag(cmd, &keys)
	f.register(cmd.Flags())
	return cmd
}
