package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/loupe-vl/loupe/weights"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit statuses, as docs and scripts rely on them.
const (
	exitFailed = 1 // the work failed or was done in part
	exitUsage  = 2 // the command line was wrong
)

// interrupted is the error of work that was stopped in the middle. It says what is done and how to continue.
type interrupted struct {
	error
	done string
}

// usageError marks an error of the command line.
type usageError struct{ error }

// Unwrap is the error itself.
func (u usageError) Unwrap() error { return u.error }

func main() {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // of a terminal that is closed, unless nohup was asked to outlive it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	signal.Ignore(syscall.SIGPIPE) // a pipe that is closed is an error of writing, and what was begun is tidied up
	go func() {                    // a second Ctrl-C ends the program at once
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args[1:]))
}

// run runs the program and returns the exit status.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	err := execute(context.WithValue(ctx, argsKey{}, args), root)
	if lost := stdout.take(); lost != nil && ctx.Err() == nil {
		err = lost
	}
	if err == nil {
		return 0
	}
	var during *interrupted
	if errors.As(err, &during) {
		err = fmt.Errorf("interrupted: %s", during.done)
	} else if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(stderr, "loupe: "+oneLine(inFlags(err.Error())))
	if hint := suggestion(root, err); hint != "" {
		fmt.Fprintln(stderr, hint)
	}
	var usage usageError
	if errors.As(err, &usage) || isCobraUsage(err) {
		return exitUsage
	}
	return exitFailed
}

// execute runs a command. If the file of the weights cannot be read any more, that is an error like any other.
func execute(ctx context.Context, root *cobra.Command) (err error) {
	defer weights.CatchFaults(&err)()
	return root.ExecuteContext(ctx)
}

// isCobraUsage recognizes the errors that cobra makes itself for unknown commands.
func isCobraUsage(err error) bool { return strings.HasPrefix(err.Error(), "unknown command") }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:     "loupe",
		Version: versionText(),
		Short:   "Qwen2-VL, made to be looked into",
		Long: `loupe runs Qwen2-VL: pictures and video in, text and a score out, and every number in between for the asking.

Without --model it uses the small demonstration model that is part of the program.`,
		SilenceUsage:       true,
		PersistentPreRunE:  resolveNames,
		SilenceErrors:      true,
		DisableSuggestions: true, // they get a line of their own
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{flagError(cmd, err)} })
	root.AddCommand(generateCommand(), scoreCommand(), traceCommand(), attendCommand(), lensCommand(), tokenizeCommand(), inspectCommand(), benchCommand(), trainCommand(), mergeCommand(), quantizeCommand(), evalCommand(), studioCommand(), demoCommand(), verifyCommand(), auditCommand(), pullCommand(), versionCommand())
	return root
}

// flagError says in plain words what a flag takes, where pflag names Go's functions.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		return &unknownFlag{cmd, unknown.GetSpecifiedName()}
	}
	var bare *pflag.ValueRequiredError
	if errors.As(err, &bare) {
		return fmt.Errorf("--%s needs a value after it; `%s --help` says which", strings.TrimLeft(bare.GetSpecifiedName(), "-"), cmd.CommandPath())
	}
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("%w; `loupe COMMAND --help` lists the flags", err)
	}
	kinds := map[string]string{
		"int": "a whole number", "int64": "a whole number", "uint64": "a whole number from 0 on", "float64": "a number", "float": "a number", "bool": "true or false",
		"duration": "a time, as in 30s or 5m", "intSlice": "whole numbers, with commas between them", "float64Slice": "numbers, with commas between them",
	}
	if kind := kinds[invalid.GetFlag().Value.Type()]; kind != "" {
		return fmt.Errorf("--%s is %.80q; give %s", invalid.GetFlag().Name, invalid.GetValue(), kind)
	}
	return fmt.Errorf("--%s is %.80q: %w", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
}

// argsError says which arguments a command takes, and which it got.
func argsError(cmd *cobra.Command, args []string) error {
	_, takes, some := strings.Cut(cmd.Use, " ")
	path := strings.TrimPrefix(cmd.CommandPath(), "loupe ")
	var given []string
	for _, a := range args {
		given = append(given, fmt.Sprintf("%.80q", a))
	}
	what := strings.Join(given, " ")
	switch {
	case len(args) > 0 && cmd.HasAvailableSubCommands():
		var subs []string
		for _, c := range cmd.Commands() {
			subs = append(subs, c.Name())
		}
		return fmt.Errorf("%s has no subcommand %.80q; it has %s", path, args[0], strings.Join(subs, ", "))
	case len(args) == 0:
		return fmt.Errorf("%s takes %s, and was given nothing; `loupe %s --help` says what that is", path, takes, path)
	case !some:
		return fmt.Errorf("%s takes flags alone, and was given %s; `loupe %s --help` lists the flags", path, what, path)
	case len(args) > 1:
		return fmt.Errorf("%s takes %s, and was given %d arguments, %s; put a text of several words in quotes", path, takes, len(args), what)
	}
	return fmt.Errorf("%s takes %s, and was given %s alone; `loupe %s --help` says what that is", path, takes, what, path)
}

// usageArgs turns an error of one of cobra's argument checks into a usage error in plain words.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{argsError(cmd, args)}
		}
		return nil
	}
}
