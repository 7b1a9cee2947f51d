package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/spf13/cobra"
)

// modelFlags choose a model and how it computes. They are the same on every command.
type modelFlags struct {
	model     string
	options   loupe.Options
	signature string // a public key by which the model must be signed; "": none
}

func (f *modelFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", "`DIR` of the model as Hugging Face ships it (default: the embedded demonstration model)")
	fl.StringVar(&f.options.Adapter, "adapter", "", "`DIR` of a PEFT adapter (adapter_config.json, adapter_model.safetensors)")
	fl.StringVar(&f.options.Head, "head", "", "`DIR` of score_head.json and score_head.safetensors (default: with the adapter, or beside the model)")
	fl.IntVar(&f.options.MinPixels, "min-pixels", 0, "least `PIXELS` of a resized picture (default: as the head or adapter was taught, else the model's)")
	fl.IntVar(&f.options.MaxPixels, "max-pixels", 0, "most `PIXELS` of a resized picture (default: as the head or adapter was taught, else the model's)")
	fl.StringVar(&f.options.Precision, "precision", "", "arithmetic of the linear maps: `exact`|bf16|int8|int4|bf16-mma (default: exact, or what the model was quantized to); bf16-mma needs a GPU, and has bits of its own on each architecture")
	registerDevice(cmd, &f.options.Device)
	registerDeviceLayers(cmd, &f.options.DeviceLayers)
	fl.IntVar(&f.options.Threads, "threads", 0, "threads to compute with (default: all cores); results do not depend on it")
	fl.StringVar(&f.options.Kernels, "kernels", "auto", "kernels to compute with, for checking: `auto`|avx512|avx2|neon|generic")
	fl.StringVar(&f.signature, "require-signature", "", "refuse a model whose model.sig is not a signature of all its files by the public key in `KEY.pem`")
	must(cmd.MarkFlagDirname("model"))
	must(cmd.MarkFlagDirname("adapter"))
	must(cmd.MarkFlagDirname("head"))
	must(cmd.RegisterFlagCompletionFunc("precision", cobra.FixedCompletions(loupe.AllPrecisions(), cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("kernels", cobra.FixedCompletions(kernelNames, cobra.ShellCompDirectiveNoFileComp)))
}

// kernelNames are what --kernels takes.
var kernelNames = []string{"auto", "avx512", "avx2", "neon", "generic"}

// layersFlag is a number of layers, or nil where none was given.
type layersFlag struct{ n **int }

// Set reads a number.
func (f layersFlag) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("give a number from 0 on")
	}
	*f.n = &n
	return nil
}

// String is the number.
func (f layersFlag) String() string {
	if f.n == nil || *f.n == nil {
		return ""
	}
	return strconv.Itoa(**f.n)
}

// Type is what the help calls the value.
func (f layersFlag) Type() string { return "int" }

// deviceNames are what --device is completed to.
var deviceNames = []string{"cpu", "cuda", "cuda:0", "cuda:1"}

// registerDevice adds --device.
func registerDevice(cmd *cobra.Command, device *string) {
	cmd.Flags().StringVar(device, "device", "", "what to compute on: `cpu`|cuda|cuda:N, the Nth NVIDIA GPU from 0 on, or cuda:0,cuda:1 and so on (default: cpu); results do not depend on it")
	must(cmd.RegisterFlagCompletionFunc("device", cobra.FixedCompletions(deviceNames, cobra.ShellCompDirectiveNoFileComp)))
}

// registerDeviceLayers adds --device-layers.
func registerDeviceLayers(cmd *cobra.Command, n **int) {
	cmd.Flags().Var(layersFlag{n}, "device-layers", "the first `N` of the decoder's layers lie on the --device, and the rest on the CPU (default: as many as fit); results do not depend on it")
}

// must panics on errors of registration, which only a mistake in the program can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// load opens the model. The caller closes it.
func (f *modelFlags) load(cmd *cobra.Command) (*loupe.Model, error) {
	if err := f.check(cmd); err != nil {
		return nil, usageError{err}
	}
	if f.signature != "" {
		if f.model == "" {
			return nil, usageError{fmt.Errorf("--require-signature needs --model DIR; the embedded model is part of the program")}
		}
		if err := verifySignature(cmd.Context(), f.model, f.signature, nil); err != nil {
			return nil, err
		}
	}
	if f.model == "" {
		m, err := loupe.Embedded(f.options)
		if err == nil {
			fmt.Fprintln(stderr, "note: "+loupe.EmbeddedNotice)
		}
		return printNotes(m, err)
	}
	return printNotes(disk.Await(cmd.Context(), func() (*loupe.Model, error) { return loupe.Load(f.model, f.options) }))
}

// printNotes writes a loaded model's notes to standard error.
func printNotes(m *loupe.Model, err error) (*loupe.Model, error) {
	if err == nil {
		for _, note := range m.Notes {
			printNote(note)
		}
		m.OnHostWork = func(doing string) {
			printNote("computed on the CPU, since there are no kernels for it on the device: " + doing)
		}
	}
	return m, err
}

func (f *modelFlags) check(cmd *cobra.Command) error {
	for _, name := range []string{"min-pixels", "max-pixels", "threads"} {
		if n, _ := cmd.Flags().GetInt(name); cmd.Flags().Changed(name) && n < 1 {
			return fmt.Errorf("--%s is %d; give a number above 0", name, n)
		}
	}
	if fps, err := cmd.Flags().GetFloat64("fps"); err == nil && cmd.Flags().Changed("fps") && fps == 0 {
		return errors.New("--fps is 0; give a number above 0, or leave it away for every frame")
	}
	if k := f.options.Kernels; k != "" && !slices.Contains(kernelNames, k) {
		return fmt.Errorf("--kernels %q is unknown; %s are known", k, strings.Join(kernelNames, ", "))
	}
	return f.options.Validate()
}

// inputFlags choose the model's input. They are the same on every command.
type inputFlags struct {
	files loupe.Files
	cmd   *cobra.Command // that has them
}

func (f *inputFlags) register(cmd *cobra.Command) {
	f.cmd = cmd
	fl := cmd.Flags()
	fl.StringVar(&f.files.System, "system", "", "system `TEXT` of the conversation (default: the one that the head or adapter was taught with, else none)")
	fl.StringArrayVar(&f.files.Images, "image", nil, "a picture `FILE` (repeatable)")
	fl.StringArrayVar(&f.files.Videos, "video", nil, "an animated GIF `FILE`, or a directory of frames in name order (repeatable)")
	fl.Float64Var(&f.files.FPS, "fps", 0, "frames a second to take from an animated GIF (default: every frame)")
	fl.StringVar(&f.files.Messages, "messages", "", "`FILE.json` with the conversation as chat templates take it; parts without a path take --image and --video in order")
}

// read reads the flags' files; args holds the text of the question.
func (f *inputFlags) read(ctx context.Context, m *loupe.Model, args []string) (loupe.Input, error) {
	if len(args) > 0 {
		f.files.Text = args[0]
	}
	f.orEmbedded(m)
	f.asTaught(m)
	in, err := f.files.Read(ctx)
	if err != nil {
		return in, err
	}
	for _, note := range in.Notes {
		printNote(note)
	}
	f.noteUnused(len(in.Images)+len(in.Videos) > 0)
	return in, nil
}

// noteUnused notes limits of picture sizes when there is no picture.
func (f *inputFlags) noteUnused(shown bool) {
	for _, name := range []string{"min-pixels", "max-pixels"} {
		if !shown && f.cmd.Flags().Changed(name) {
			fmt.Fprintf(stderr, "note: --%s changes nothing: the prompt has no picture\n", name)
		}
	}
}

// orEmbedded gives the embedded model its own picture and question, if the user gives none. A model of the user's gets only
// what the user gives.
func (f *inputFlags) orEmbedded(m *loupe.Model) {
	if m.Dir != "" || f.files.Messages != "" || len(f.files.Images)+len(f.files.Videos) > 0 {
		return
	}
	f.files.Images = []string{loupe.EmbeddedPicture}
	fmt.Fprintln(stderr, "note: no picture was given, so the one that is part of the program is shown")
	if f.files.Text == "" {
		f.files.Text = m.Wording().Question
	}
}

// asTaught gives the conversation the system text that the model was trained with, if it has none. If it has another one, a
// note says so.
func (f *inputFlags) asTaught(m *loupe.Model) {
	switch {
	case f.files.Messages != "" || m.Taught == nil || m.Taught.System == nil:
	case f.files.System == "":
		f.files.System = m.Wording().System
	default:
		otherSystem(m, f.files.System)
	}
}

// otherSystem notes a system text that the model was not trained with.
func otherSystem(m *loupe.Model, given string) {
	printNote(m.Wording().OtherSystem(given))
}

// given reports whether any of them was.
func (f *inputFlags) given() bool {
	return f.files.System != "" || f.files.Messages != "" || len(f.files.Images)+len(f.files.Videos) > 0
}

// prompt reads the input and prepares it for the model.
func (f *inputFlags) prompt(ctx context.Context, m *loupe.Model, args []string) (*loupe.Prompt, error) {
	in, err := f.read(ctx, m, args)
	if err != nil {
		return nil, err
	}
	return m.Prepare(ctx, in)
}
