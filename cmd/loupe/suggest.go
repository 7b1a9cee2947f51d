package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/loupe-vl/loupe/weights/option"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unknownFlag is the error of a flag that a command does not have.
type unknownFlag struct {
	cmd  *cobra.Command
	name string
}

// Error names the flag and where all of them are listed.
func (e *unknownFlag) Error() string {
	dashes := "--"
	if len(e.name) == 1 {
		dashes = "-"
	}
	return fmt.Sprintf("%s has no flag %s%s; `%s --help` lists those that it has", e.cmd.CommandPath(), dashes, e.name, e.cmd.CommandPath())
}

// suggestion is a line on what the user may have meant; "": none.
func suggestion(root *cobra.Command, err error) string {
	var flag *unknownFlag
	if errors.As(err, &flag) {
		var names []string
		flag.cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if best := option.Nearest(flag.name, names); best != "" {
			return "did you mean --" + best + "?"
		}
		return ""
	}
	if !isCobraUsage(err) {
		return ""
	}
	_, rest, _ := strings.Cut(err.Error(), `"`)
	name, _, _ := strings.Cut(rest, `"`)
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	if best := option.Nearest(name, names); best != "" {
		return "did you mean `loupe " + best + "`?"
	}
	return ""
}
