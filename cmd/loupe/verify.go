package main

import (
	"fmt"
	"os"
	"path/filepath"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/spf13/cobra"
)

type verifyFlags struct {
	replay audit.Replay
	keys   []string
	entry  int64
}

func verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify RECORD|DIR",
		Short: "compute recorded decisions again and compare every bit",
		Long: `Computes each decision of an audit directory again, from its kept pictures and words and the model's directory, and prints
"identical", or the first thing that differs: a file or tensor of the model, the template, a picture, its pixels or patches, the prompt,
a layer, the score or a token. RECORD is the file that ` + "`loupe audit prove`" + ` writes, with its folder of kept files beside it.

The device, the processor, the number of threads, the kernels and the operating system do not matter. The exit status is 1 where anything differs.`,
		Example: `  loupe verify audits/
  loupe verify audits/ --entry 3 --model Qwen2-VL-2B-Instruct --threads 1`,
		Args: auditDirArg,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.replay.Model, "model", "", "`DIR` of the model (default: where it was when the decision was made)")
	fl.StringVar(&f.replay.Adapter, "adapter", "", "`DIR` of the adapter (default: where it was)")
	fl.StringVar(&f.replay.Head, "head", "", "`DIR` of the score head (default: where it was)")
	fl.IntVar(&f.replay.Threads, "threads", 0, "threads to compute with (default: all cores); results do not depend on it")
	fl.StringVar(&f.replay.Kernels, "kernels", "auto", "kernels to compute with: `auto`|avx512|avx2|neon|generic; results do not depend on it")
	oneOf(cmd, "kernels", kernelNames...)
	registerDevice(cmd, &f.replay.Device)
	fl.StringArrayVar(&f.keys, "key", nil, "`FILE` of a public key that is trusted (default: the keys beside the log)")
	fl.Int64Var(&f.entry, "entry", -1, "number of the one entry to verify (default: all)")
	return cmd
}

// trusted reads the public keys to trust.
func trusted(files []string) ([]audit.PublicKey, error) {
	var out []audit.PublicKey
	for _, name := range files {
		keys, err := audit.ReadPublicKeys(name)
		if err != nil {
			return nil, err
		}
		out = append(out, keys...)
	}
	return out, nil
}

func (f *verifyFlags) run(cmd *cobra.Command, path string) error {
	if err := (loupe.Options{Device: f.replay.Device}).Validate(); err != nil {
		return usageError{err}
	}
	keys, err := trusted(f.keys)
	if err != nil {
		return err
	}
	f.replay.Note = printNote
	defer f.replay.Close()
	differ, n := 0, 0
	one := func(a *audit.Archive, r *audit.Record) error {
		v, err := a.Verify(cmd.Context(), r, &f.replay)
		if err != nil {
			return err
		}
		n++
		if !v.Identical && !v.Redacted {
			differ++
		}
		_, err = fmt.Fprintln(screen, verdictLine(v))
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		a, r, err := audit.OpenProof(path, keys...)
		if err != nil {
			return err
		}
		err = one(a, r)
		if err == nil && differ > 0 {
			err = fmt.Errorf("the decision is not what comes out now")
		}
		return err
	}
	a, err := audit.Open(filepath.Clean(path), keys...)
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("entry") {
		r, err := a.Record(f.entry)
		if err != nil {
			return err
		}
		if err := one(a, r); err != nil {
			return err
		}
	} else {
		err = a.Records(cmd.Context(), func(r *audit.Record) error {
			if r.Decision == nil {
				return nil
			}
			return one(a, r)
		})
		if err != nil {
			return err
		}
	}
	if differ > 0 {
		return fmt.Errorf("%d of %d decisions are not what comes out now; their lines say where they part first", differ, n)
	}
	if n == 0 {
		return fmt.Errorf("%s holds no decision to verify", path)
	}
	return nil
}

func verdictLine(v audit.Verdict) string {
	switch {
	case v.Identical:
		return fmt.Sprintf("entry %d: identical", v.Entry)
	case v.Redacted:
		return fmt.Sprintf("entry %d: not replayed, %s", v.Entry, v.First)
	}
	return fmt.Sprintf("entry %d: differs first in %s", v.Entry, oneLine(v.First))
}
