package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// refuseAllBut refuses flags that would change nothing: all that are given but use. why says the reason.
func refuseAllBut(cmd *cobra.Command, why string, use ...string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(use, f.Name) {
			err = usageError{fmt.Errorf("--%s would change nothing: %s; leave it away", f.Name, why)}
		}
	})
	return err
}

// refuseFlags refuses the flags of names that are given. why says the reason.
func refuseFlags(cmd *cobra.Command, why string, names ...string) error {
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s would change nothing: %s; leave it away", name, why)}
		}
	}
	return nil
}
