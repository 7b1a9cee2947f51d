package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

// goesWith says what a flag needs: in words, and whether it is given.
type goesWith struct {
	flag  string
	asked bool
	with  string
}

// refuseUnused is an error if a flag has another value than its default and would change nothing.
func refuseUnused(cmd *cobra.Command, rules ...goesWith) error {
	for _, r := range rules {
		if f := cmd.Flags().Lookup(r.flag); f.Changed && f.Value.String() != f.DefValue && !r.asked {
			return fmt.Errorf("--%s goes with %s; leave it away", r.flag, r.with)
		}
	}
	return nil
}

// requireAtLeast is an error if the number of a flag is below least.
func requireAtLeast(cmd *cobra.Command, least int, flags ...string) error {
	for _, name := range flags {
		if n, err := cmd.Flags().GetInt(name); err == nil && n < least {
			return fmt.Errorf("--%s is %d; give %d or a number above it", name, n, least)
		}
	}
	return nil
}

// refuseRepeated is an error if a list of numbers has one twice.
func refuseRepeated(cmd *cobra.Command, flags ...string) error {
	for _, name := range flags {
		list, err := cmd.Flags().GetIntSlice(name)
		for i, n := range list {
			if err == nil && slices.Contains(list[:i], n) {
				return fmt.Errorf("--%s names %d twice; name it once", name, n)
			}
		}
	}
	return nil
}
