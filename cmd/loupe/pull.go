package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/loupe-vl/loupe/weights/hub"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

func pullCommand() *cobra.Command {
	var verify bool
	cmd := &cobra.Command{
		Use:   "pull OWNER/NAME[@REVISION]",
		Short: "fetch a model from the hub into huggingface_hub's cache",
		Long: `Fetches the files that a model needs (configuration, tokenizer, safetensors) into the cache that Python's huggingface_hub uses too, and prints
their directory. Flags that take a model's directory take its name as well: --model OWNER/NAME reads the cache and asks nobody.

What is there is not fetched again, and what a run that was stopped left is gone on with. Every file is compared with the hub's digest before it
gets its name. A gated model needs a token: HF_TOKEN, or the one that "hf auth login" keeps. HF_ENDPOINT, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE
mean what they mean in Python.`,
		Example: `  loupe pull Qwen/Qwen2-VL-2B-Instruct
  loupe score --model Qwen/Qwen2-VL-2B-Instruct --head heads/mine painting.jpg`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return pull(cmd.Context(), args[0], verify) },
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "fetch nothing: read what the cache holds of the model and compare every file with its digest")
	return cmd
}

func pull(ctx context.Context, model string, verify bool) error {
	n, err := hub.Parse(model)
	if err != nil {
		return usageError{err}
	}
	c, err := hub.DefaultCache()
	if err != nil {
		return err
	}
	told := &pullProgress{}
	defer told.end()
	if verify {
		v, err := c.Verify(ctx, n, told)
		if err != nil {
			return err
		}
		told.end()
		for _, name := range v.Unnamed {
			fmt.Fprintf(stderr, "note: %s was not compared: the cache does not say its digest\n", oneLine(name))
		}
		_, err = fmt.Fprintf(screen, "%s\n%d files, %.2f GB, each with the digest that the hub gave\n", v.Dir, v.Files, float64(v.Bytes)/1e9)
		return err
	}
	got, err := c.Pull(ctx, n, told)
	if err != nil {
		return err
	}
	told.end()
	_, err = fmt.Fprintln(screen, got.Dir)
	return err
}

// pullProgress shows the progress of a pull: a bar on a terminal, and elsewhere a line every half minute.
type pullProgress struct {
	bar         *progressbar.ProgressBar
	done, bytes int64
	from, next  time.Time
}

// Begin implements hub.Progress.
func (p *pullProgress) Begin(files int, bytes int64) {
	p.bytes, p.from = bytes, time.Now()
	p.next = p.from.Add(30 * time.Second)
	if bytes > 0 && term.IsTerminal(int(os.Stderr.Fd())) {
		p.bar = progressbar.NewOptions64(bytes, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetDescription(fmt.Sprintf("%d files", files)), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
}

// Moved implements hub.Progress.
func (p *pullProgress) Moved(n int64) {
	p.done += n
	if p.bar != nil {
		_ = p.bar.Set64(max(p.done, 0)) // a bar that cannot be drawn only looks worse
		return
	}
	if now := time.Now(); !p.from.IsZero() && now.After(p.next) && p.done > 0 {
		p.next = now.Add(30 * time.Second)
		left := time.Duration(float64(now.Sub(p.from)) * float64(p.bytes-p.done) / float64(p.done)).Round(time.Second)
		fmt.Fprintf(stderr, "%.2f of %.2f GB, about %v left\n", float64(p.done)/1e9, float64(p.bytes)/1e9, left)
	}
}

// Note implements hub.Progress.
func (p *pullProgress) Note(text string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintln(stderr, "note: "+oneLine(text))
}

func (p *pullProgress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
}

// namedModels are the flags, of any command, that take a model or a part of one, by its directory or by its name on the
// hub.
var namedModels = []string{"model", "adapter", "head", "sbert", "base"}

// resolveNames replaces names on the hub by directories of the cache, before a command sees its flags.
func resolveNames(cmd *cobra.Command, args []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err != nil || !slices.Contains(namedModels, f.Name) || f.Value.Type() != "string" {
			return
		}
		var dir string
		if dir, err = hub.Resolve(f.Value.String()); err == nil {
			err = f.Value.Set(dir)
		} else {
			err = fmt.Errorf("--%s: %w", f.Name, err)
		}
	})
	if err == nil && cmd.Name() == "inspect" && len(args) == 1 {
		args[0], err = hub.Resolve(args[0])
	}
	return err
}
