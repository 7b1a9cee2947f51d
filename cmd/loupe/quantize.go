package main

import (
	"errors"
	"fmt"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/spf13/cobra"
)

type quantizeFlags struct {
	model   modelFlags
	options loupe.QuantizeOptions
	out     string
}

func quantizeCommand() *cobra.Command {
	var f quantizeFlags
	cmd := &cobra.Command{
		Use:   "quantize",
		Short: "write a model with its weights quantized to 8 or 4 bits",
		Long: `Writes a model directory whose linear maps have 8- or 4-bit weights, in the layout that the kernels read: it loads in no time,
by a map, and every command takes it without a flag. What --precision int8 or int4 makes of the model at each load is the same,
bit for bit, without --group and --zero-points, but takes time and memory of its own.

int4 keeps the vision tower and the logits in 8 bits. docs/quantized-layout.md describes the file.`,
		Example: `  loupe quantize --model Qwen2-VL-2B-Instruct --precision int4 --group 64 --out qwen2-vl-2b-int4
  loupe generate --model qwen2-vl-2b-int4 --image painting.jpg "What is the light doing?"`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.model.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "new `DIR` to write to")
	fl.IntVar(&f.options.Group, "group", 0, fmt.Sprintf("weights of a row that share a scale: a multiple of 32 (in int4 without zero points 32, 64 or a multiple of 128), or 0 for a whole row (default %d in int8, %d in int4)", loupe.DefaultGroup("int8"), loupe.DefaultGroup("int4")))
	fl.BoolVar(&f.options.ZeroPoints, "zero-points", false, "int4: give each group a zero of its own")
	hide(cmd, "adapter", "min-pixels", "max-pixels")
	must(cmd.MarkFlagDirname("out"))
	return cmd
}

func (f *quantizeFlags) run(cmd *cobra.Command) error {
	if err := refuseFlags(cmd, "weights are quantized on the CPU", "device", "device-layers"); err != nil {
		return err
	}
	if err := refuseFlags(cmd, "quantizing reads no picture, and the sizes in preprocessor_config.json are copied as they are", "min-pixels", "max-pixels"); err != nil {
		return err
	}
	if f.out == "" {
		return usageError{errors.New("--out is missing: name a new directory")}
	}
	if f.model.options.Precision == "" {
		return usageError{errors.New("--precision is missing: give int8 or int4, which weights can be quantized to")}
	}
	f.options.Precision, f.model.options.Precision = f.model.options.Precision, "" // what to make, and not how to load
	if !cmd.Flags().Changed("group") {
		f.options.Group = loupe.DefaultGroup(f.options.Precision)
	}
	if err := f.options.Validate(); err != nil {
		return usageError{err}
	}
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	bar := newProgress("quantize", 0)
	defer bar.end()
	f.options.Progress = bar.at
	return m.Quantize(cmd.Context(), f.out, f.options)
}
