package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/serve"
	"github.com/loupe-vl/loupe/weights"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type studioFlags struct {
	model modelFlags
	addr  string
	cache int
	audit auditFlags
}

func studioCommand() *cobra.Command {
	var f studioFlags
	cmd := &cobra.Command{
		Use:   "studio",
		Short: "look into the model on a page in the browser",
		Long: `Serves a page from this program and prints its address. Drop a picture on it to see its score, what each patch contributes
and a critique; see where every head looked; change the model while it runs; compare pictures, layers, or an adapter with
its base. Nothing is fetched from the network, and only this machine can reach the page unless --addr says otherwise.
With --audit DIR each run is recorded as those of score and generate are, and there are no edits.`,
		Example: `  loupe studio
  loupe studio --model Qwen2-VL-2B-Instruct --adapter tuned --addr 127.0.0.1:8080`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.model.register(cmd)
	fl := cmd.Flags()
	f.audit.register(fl)
	fl.StringVar(&f.addr, "addr", "127.0.0.1:0", "`HOST:PORT` to listen on; port 0 takes a free one")
	fl.IntVar(&f.cache, "cache-mb", 1024, "`MEGABYTES` of attention to keep")
	return cmd
}

func (f *studioFlags) run(cmd *cobra.Command) error {
	host, _, err := net.SplitHostPort(f.addr)
	if err != nil {
		return usageError{fmt.Errorf("--addr %q: give HOST:PORT, as in 127.0.0.1:8080", f.addr)}
	}
	if f.cache < 1 {
		return usageError{fmt.Errorf("--cache-mb is %d; give a number above 0", f.cache)}
	}
	book, done, err := f.audit.begin(context.WithoutCancel(cmd.Context()))
	if err != nil {
		return err
	}
	defer done()
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	o := serve.Options{Model: m, MaxCache: int64(f.cache) << 20, Book: book, Explain: f.audit.explain}
	if f.model.options.Adapter != "" {
		if o.Base, err = f.base(m); err != nil {
			return err
		}
		defer o.Base.Close()
	}
	if _, port, err := net.SplitHostPort(f.addr); err == nil {
		if n, err := strconv.Atoi(port); err == nil && (n < 0 || n > 65535) {
			return usageError{fmt.Errorf("--addr %s: there is no port %d; give one from 1 to 65535, or 0 for a free one", f.addr, n)}
		}
	}
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", f.addr, err)
	}
	fmt.Fprintf(screen, "http://%s/\n", l.Addr())
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprintln(stderr, "open this address in a browser; Ctrl-C ends the studio")
	}
	return serve.New(o).Serve(cmd.Context(), l, host)
}

// base is the model without its adapter, but with the score head that was trained with it.
func (f *studioFlags) base(than *loupe.Model) (*loupe.Model, error) {
	o := f.model.options
	o.MinPixels, o.MaxPixels = than.Processor.MinPixels, than.Processor.MaxPixels // both see the same picture
	if _, err := os.Stat(filepath.Join(o.Adapter, weights.ScoreHeadConfigName)); o.Head == "" && !errors.Is(err, fs.ErrNotExist) {
		o.Head = o.Adapter
	}
	o.Adapter = ""
	if f.model.model == "" {
		return loupe.Embedded(o)
	}
	return loupe.Load(f.model.model, o)
}
