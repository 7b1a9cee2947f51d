package main

import "github.com/spf13/cobra"

// oneOf lets a shell complete a flag with the values that it takes.
func oneOf(cmd *cobra.Command, flag string, values ...string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// beginsWith lets a shell complete a flag with beginnings of what it takes.
func beginsWith(cmd *cobra.Command, flag string, values ...string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)))
}

// hide hides flags that this command refuses from its help and from completion.
func hide(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		must(cmd.Flags().MarkHidden(name))
	}
}
