package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// many is on how many commands a flag must mean the same to be told once, for all of them.
const many = 4

// pageIntro is the beginning of docs/commands.md.
const pageIntro = "# Commands\n\n" +
	"`loupe COMMAND --help` prints the same. This page is made from the program: `LOUPE_UPDATE=1 go test ./cmd/loupe -run TestCommandsPage` writes it.\n\n" +
	"Results go to standard output; notes, warnings and progress to standard error, on a terminal by a bar, elsewhere by a line every half minute. Exit status: 0 done; 1 the work failed\n" +
	"or was done in part; 2 the command line was wrong. Ctrl-C stops within a token and leaves no half-written file;\n" +
	"what a run that was killed left beside its output, the next one removes. While a run writes, its `--out` is locked, and another run is told who\n" +
	"has it. A weight file that is cut short or written to while it is in use ends the run with an error that names it. Output that cannot be written,\n" +
	"to a full disk or a closed pipe, is an error.\n"

// TestCommandsPage holds docs/commands.md to the help of every command.
func TestCommandsPage(t *testing.T) {
	want := commandsPage()
	path := filepath.Join("..", "..", "docs", "commands.md")
	if os.Getenv("LOUPE_UPDATE") == "1" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(got), "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("docs/commands.md is not what the program says (-page +program): run `LOUPE_UPDATE=1 go test ./cmd/loupe -run TestCommandsPage`\n%s", diff)
	}
}

// TestReadmeHasEveryCommand: README has one line a command.
func TestReadmeHasEveryCommand(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range documented(newRoot()) {
		if c.Parent() == c.Root() && !strings.Contains(string(readme), "\n| `loupe "+c.Name()) {
			t.Errorf("README.md has no line of loupe %s in its table of commands", c.Name())
		}
	}
}

// documented are the commands of the program and theirs, in order, without those that cobra adds.
func documented(c *cobra.Command) (out []*cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.Name() == "help" || sub.Name() == "completion" || sub.Hidden {
			continue
		}
		out = append(append(out, sub), documented(sub)...)
	}
	return out
}

// commandsPage is docs/commands.md.
func commandsPage() string {
	commands := documented(newRoot())
	count := map[string]int{}
	first := map[string]*pflag.Flag{}
	for _, c := range commands {
		eachFlag(c, func(f *pflag.Flag) {
			key := flagKey(f)
			count[key]++
			first[key] = f
		})
	}
	var out strings.Builder
	out.WriteString(pageIntro)
	out.WriteString("\n| command | what it does |\n|---|---|\n")
	for _, c := range commands {
		fmt.Fprintf(&out, "| [`%s`](#%s) | %s |\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-"), cell(c.Short))
	}
	out.WriteString("\n## Flags of many commands\n\nEach command below names those of them that it has.\n\n")
	shared := pflag.NewFlagSet("", pflag.ContinueOnError)
	for key, f := range first {
		if count[key] >= many {
			shared.AddFlag(f)
		}
	}
	writeFlags(&out, shared)
	for _, c := range commands {
		fmt.Fprintf(&out, "\n## %s\n\n%s.\n\n    %s\n", c.CommandPath(), upperFirst(c.Short), c.UseLine())
		if c.Long != "" {
			fmt.Fprintf(&out, "\n```text\n%s\n```\n", c.Long)
		}
		if c.Example != "" {
			fmt.Fprintf(&out, "\nExamples:\n\n")
			for line := range strings.Lines(c.Example) {
				out.WriteString("    " + strings.TrimSpace(line) + "\n")
			}
		}
		own := pflag.NewFlagSet("", pflag.ContinueOnError)
		var also []string
		eachFlag(c, func(f *pflag.Flag) {
			if count[flagKey(f)] >= many {
				also = append(also, "`--"+f.Name+"`")
			} else {
				own.AddFlag(f)
			}
		})
		if own.HasFlags() {
			out.WriteString("\n")
			writeFlags(&out, own)
		}
		if len(also) > 0 {
			fmt.Fprintf(&out, "\nAnd [of many commands](#flags-of-many-commands): %s.\n", strings.Join(also, ", "))
		}
	}
	return out.String()
}

// eachFlag goes through a command's own flags but --help, in order of their names.
func eachFlag(c *cobra.Command, f func(*pflag.Flag)) {
	c.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "help" && !flag.Hidden {
			f(flag)
		}
	})
}

// flagKey is the same for flags that mean the same.
func flagKey(f *pflag.Flag) string { return f.Name + "\n" + f.Usage + "\n" + f.DefValue }

// writeFlags writes a table of flags as help has them.
func writeFlags(out *strings.Builder, flags *pflag.FlagSet) {
	out.WriteString("| flag | what it says |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if i := strings.Index(usage, value+"|"); i >= 0 && value != "" {
			value, _, _ = strings.Cut(usage[i:], " ") // of a choice, all that it can be
			value = strings.TrimRight(value, ",;:)")
		}
		if value != "" {
			name += " " + value
		}
		switch f.DefValue {
		case "", "0", "false", "[]", "-1":
		default:
			if !strings.Contains(usage, "(default") {
				usage += fmt.Sprintf(" (default: %s)", f.DefValue)
			}
		}
		fmt.Fprintf(out, "| `%s` | %s |\n", cell(name), cell(usage))
	})
}

// cell is a text in a cell of a table.
func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", "\\|"), "*", "\\*") }

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
