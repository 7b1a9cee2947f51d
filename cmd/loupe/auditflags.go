package main

import (
	"context"
	"errors"
	"fmt"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// auditFlags say where decisions are recorded. They are the same on every command that decides.
type auditFlags struct {
	dir     string
	explain []string
	witness witnessFlags
	options audit.Options
}

func (f *auditFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.dir, "audit", "", "record each decision in `DIR`, so that `loupe verify` replays it to the bit; it is given once it is recorded")
	fl.StringVar(&f.options.KeyFile, "audit-key", "", "`FILE` of the private key that signs (default: DIR/keys/audit.key, made with a new log)")
	fl.StringVar(&f.options.Name, "audit-name", "", "`NAME` of a new log, unique in the world: example.org/gallery (default: a random one)")
	fl.StringArrayVar(&f.explain, "audit-explain", nil, "keep this attribution with each decision: contribution, relevance, ... as `loupe attend --method` (repeatable)")
	f.witness.register(fl)
}

// begin checks the flags and opens the directory of records; book is nil where none was asked for. done gives it up.
func (f *auditFlags) begin(ctx context.Context) (book *audit.Book, done func(), err error) {
	if err := f.check(); err != nil {
		return nil, nil, err
	}
	if f.dir == "" {
		return nil, func() {}, nil
	}
	if book, err = audit.OpenBook(f.dir, f.options); err != nil {
		return nil, nil, err
	}
	reportTorn(book)
	return book, func() { f.close(ctx, book) }, nil
}

// check refuses flags that would change nothing.
func (f *auditFlags) check() error {
	if f.dir != "" {
		return f.witness.check()
	}
	for name, given := range map[string]bool{"audit-key": f.options.KeyFile != "", "audit-name": f.options.Name != "", "audit-explain": len(f.explain) > 0, "witness": f.witness.url != "", "witness-key": f.witness.key != ""} {
		if given {
			return usageError{fmt.Errorf("--%s needs --audit DIR: without it nothing is recorded", name)}
		}
	}
	return nil
}

// reportTorn notes files that a writer left unfinished when it died.
func reportTorn(b *audit.Book) {
	if n := len(b.Torn); n > 0 {
		fmt.Fprintf(stderr, "note: a writer of %s was stopped before it had answered; %d files that it had begun were moved away (%s)\n", b.Dir, n, b.Torn[0])
	}
}

// judge is m.ScoreAndCritique, recorded.
func (f *auditFlags) judge(ctx context.Context, r *audit.Recorder, p loupe.Picture, system, question string, critique bool, g loupe.Generation) (*loupe.Score, string, error) {
	reading, sources := loupe.KeepSources(ctx)
	img, err := p.Load(reading)
	if err != nil {
		return nil, "", err
	}
	out, err := r.Decide(ctx, audit.Request{
		Command: "score", Input: loupe.Question(system, question, img), Sources: sources.List, Answer: critique, Generation: g, Explain: f.explain,
	}, nil)
	if err != nil {
		return nil, "", err
	}
	if out.Score == nil {
		return nil, "", errors.New("the model has no score head")
	}
	return out.Score, out.Text, nil
}

// close closes the directory of records and asks the witness to sign the log. If the witness cannot be reached, a note says
// so: the records are there all the same.
func (f *auditFlags) close(ctx context.Context, b *audit.Book) {
	if err := b.Close(); err != nil {
		printNote(err.Error())
	}
	if f.witness.url != "" {
		if _, err := f.witness.ask(ctx, b.Dir, nil); err != nil {
			fmt.Fprintf(stderr, "note: no witness has signed the log: %s; `loupe audit witness` asks again\n", oneLine(inFlags(err.Error())))
		}
	}
}

// auditDirArg is the argument check of commands that read a directory of records.
func auditDirArg(cmd *cobra.Command, args []string) error {
	return usageArgs(cobra.ExactArgs(1))(cmd, args)
}
