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

// interrupted is the end of work that was stopped in the middle: what is done, and how to go on.
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

// run is the program but for its process: it returns the exit status.
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
	fmt.Fprintln(stderr, "loupe: "+oneLine(err.Error()))
	if hint := suggestion(root, err); hint != "" {
		fmt.Fprintln(stderr, hint)
	}
	var usage usageError
	if errors.As(err, &usage) || isCobraUsage(err) {
		return exitUsage
	}
	return exitFailed
}

// execute runs a command. Weights that lie in a file which cannot be read any more are an error like any other.
func execute(ctx context.Context, root *cobra.Command) (err error) {
	defer weights.CatchFaults(&err)()
	return root.ExecuteContext(ctx)
}

// isCobraUsage recognises the errors that cobra makes itself for unknown commands.
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

// flagError says in words what a flag would take, where pflag names Go's functions.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		return &unknownFlag{cmd, unknown.GetSpecifiedName()}
	}
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("%w; `loupe COMMAND --help` lists the flags", err)
	}
	kinds := map[string]string{
		"int": "a whole number", "int64": "a whole number", "uint64": "a whole number from 0 on", "float64": "a number", "bool": "true or false",
		"duration": "a time, as in 30s or 5m", "intSlice": "whole numbers, with commas between them", "float64Slice": "numbers, with commas between them",
	}
	if kind := kinds[invalid.GetFlag().Value.Type()]; kind != "" {
		return fmt.Errorf("--%s is %.80q; give %s", invalid.GetFlag().Name, invalid.GetValue(), kind)
	}
	return fmt.Errorf("--%s is %.80q: %w", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
}

// usageArgs makes an error of one of cobra's argument checks a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%s: %w", cmd.Name(), err)}
		}
		return nil
	}
}
