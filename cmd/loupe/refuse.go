package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// refuseAllBut refuses flags that were given and would change nothing: all but those of use. why says what makes them so.
func refuseAllBut(cmd *cobra.Command, why string, use ...string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(use, f.Name) {
			err = usageError{fmt.Errorf("--%s would change nothing: %s; leave it away", f.Name, why)}
		}
	})
	return err
}

// refuseFlags is refuseAllBut for the flags that are named, and no others.
func refuseFlags(cmd *cobra.Command, why string, names ...string) error {
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s would change nothing: %s; leave it away", name, why)}
		}
	}
	return nil
}
