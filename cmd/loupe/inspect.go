package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/spf13/cobra"
)

type inspectFlags struct {
	model modelFlags
	sig   signatureFlags
	json  bool
	quick bool
}

func inspectCommand() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect [DIR|FILE]",
		Short: "show a model's configuration, parameters and tensors",
		Long: `Shows the configuration, the parameters by part, and every tensor with its type, shape, digest and statistics.
Without DIR it shows the embedded demonstration model.

It shows any safetensors checkpoint, or one file of it: also another kind of model, a quantized one, an adapter, one with
tensors that Qwen2-VL has no place for, and says why loupe cannot run it.`,
		Example: `  loupe inspect Qwen2-VL-2B-Instruct
  loupe inspect --quick --json`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.model.register(cmd)
	hide(cmd, "adapter", "head", "min-pixels", "max-pixels")
	f.sig.register(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&f.quick, "quick", false, "leave out digests and statistics, which read every byte")
	return cmd
}

func (f *inspectFlags) run(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		if f.model.model != "" && f.model.model != args[0] {
			return usageError{fmt.Errorf("inspect takes one model: DIR or --model DIR")}
		}
		f.model.model = args[0]
	}
	if err := refuseFlags(cmd, "inspect shows the tensors of the model's own files; name the directory of an adapter or a head in place of DIR to see what is in it", "adapter", "head"); err != nil {
		return err
	}
	if err := refuseFlags(cmd, "no picture is looked at, and the model's own sizes are shown", "min-pixels", "max-pixels"); err != nil {
		return err
	}
	if f.sig.given() {
		if err := refuseAllBut(cmd, "--sign and --verify are of the files of DIR, and show nothing else", "model", "sign", "verify"); err != nil {
			return err
		}
		return f.sig.run(cmd.Context(), f.model.model)
	}
	report, err := f.inspect(cmd)
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(stdout).Encode(report)
	}
	return printInspection(report)
}

// inspect inspects the model, or the tensors of one that loupe cannot run.
func (f *inspectFlags) inspect(cmd *cobra.Command) (*trace.Inspection, error) {
	m, err := f.model.load(cmd)
	if err == nil {
		defer m.Close()
		return trace.Inspect(cmd.Context(), m, !f.quick)
	}
	var usage usageError
	if f.model.model == "" || f.model.options.Adapter != "" || f.model.options.Head != "" || f.model.signature != "" || errors.As(err, &usage) {
		return nil, err
	}
	report, lookErr := trace.InspectFiles(cmd.Context(), f.model.model, err, !f.quick)
	if lookErr != nil {
		return nil, err // what is wrong with the model says more
	}
	fmt.Fprintln(stderr, "note: loupe cannot run this checkpoint: "+oneLine(inFlags(err.Error())))
	report.CannotRun = inFlags(report.CannotRun)
	return report, nil
}

func printInspection(r *trace.Inspection) error {
	w := tabwriter.NewWriter(screen, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "model\t%s\n", disk.Visible(r.Model))
	for _, p := range r.Parts {
		fmt.Fprintf(w, "%s\t%d parameters\t%d bytes\n", disk.Visible(p.Name), p.Parameters, p.Bytes)
	}
	if r.CannotRun == "" {
		fmt.Fprintf(w, "kernels\t%s\n", r.Kernels)
		fmt.Fprintf(w, "precision\t%s\n", r.Precision)
		if r.Device != nil {
			fmt.Fprintf(w, "device\t%s\n", r.Device)
		}
	} else {
		fmt.Fprintf(w, "cannot run\t%s\n", oneLine(r.CannotRun))
	}
	if r.Digest != "" {
		fmt.Fprintf(w, "digest\t%s\n", r.Digest)
	}
	fmt.Fprintln(w)
	if r.Config != nil {
		config, err := json.MarshalIndent(r.Config, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "config\n%s\n\n", config)
	}
	fmt.Fprintln(w, "tensor\tdtype\tshape\tmin\tmax\tmean\tstd\tsha256")
	for _, t := range r.Tensors {
		fmt.Fprintf(w, "%s\t%s\t%v", disk.Visible(t.Name), t.DType, t.Shape)
		if t.Stats != nil {
			fmt.Fprintf(w, "\t%.4g\t%.4g\t%.4g\t%.4g\t%.16s", t.Stats.Min, t.Stats.Max, t.Stats.Mean, t.Stats.Std, t.SHA256)
			if t.Stats.NaN+t.Stats.Inf > 0 {
				fmt.Fprintf(w, "\t%d NaN, %d infinite", t.Stats.NaN, t.Stats.Inf)
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
