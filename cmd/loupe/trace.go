package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/weights"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type traceFlags struct {
	model     modelFlags
	input     inputFlags
	options   loupe.TraceOptions
	against   againstFlags
	out       string
	intervene string
	grad      string
	list      bool
	json      bool
}

func traceCommand() *cobra.Command {
	var f traceFlags
	cmd := &cobra.Command{
		Use:   "trace [PROMPT]",
		Short: "write what passes inside the model to a file",
		Long: `Writes tensors from inside a run, by name: --list prints every name with its shape. Attention's scores (before the softmax)
and probabilities are (heads, queries, keys), all others (rows, columns). Nothing is kept in memory, and looking changes no bit.

In a GLOB * crosses dots: 'model.layers.*.out' is self_attn.out and mlp.out too. The residual stream alone is
'model.layers.?.out', and of layers from 10 on 'model.layers.[0-9][0-9].out'. What each GLOB matches is told.

--intervene names a file of changes to make while the model runs:

  [{"tap": "model.layers.1.self_attn.heads", "op": "zero", "head": 1},
   {"tap": "model.layers.0.out", "op": "add", "value": "vectors.safetensors#steer", "scale": 0.5},
   {"tap": "model.layers.2.out", "op": "set", "rows": [-1], "value": "other.safetensors#model.layers.2.out"}]

op is zero, scale, add, set, mean or dataset-mean; head and rows narrow it, rows below 0 from the end of the prompt. A value is
one row, one for each of rows, or the whole tensor of another run. dataset-mean sets rows to the mean over other pictures,
those of a directory or of a file of records:

  [{"tap": "visual.blocks.*.mlp.out", "op": "dataset-mean", "data": "paintings"}]

which takes away what a part says of this picture, where zero also takes away what it says of any. A change is made in the prompt and in generated tokens, unless rows, or a
name such as steps.2/model.layers.0.out, says otherwise. With pictures and video a name of visual.* is of both passes of the
tower; one that ends in @images or @videos is of one. docs/definitions.md says what each op computes.

--against OTHER.json runs a second conversation, or --against-image alone the same one about another picture, and patches the first one's activations into it, one site after the other
(activation patching): it prints how much of the first answer comes back, 0 for none of the difference of the two answers'
logits (raw, after the last position) and 1 for all of it, and writes every site to --out F.png, F.json, F.csv, F.npz or F.safetensors.`,
		Example: `  loupe trace --image cat.jpg --tap "visual.blocks.*.attn.probs.*" --out attention.npz "What is this?"
  loupe trace --list
  loupe trace --image cat.jpg --against-image dog.jpg --answers 12,15 "What is this?"
  loupe trace --image cat.jpg --against question.json --against-image dog.jpg --answers 12,15 --out where.png "What is this?"`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.model.register(cmd)
	f.input.register(cmd)
	fl := cmd.Flags()
	fl.StringArrayVar(&f.options.Taps, "tap", nil, "`GLOB` of tap names: * is any characters, dots too; ? one that is no dot; [0-9] one of these (repeatable; several are one set)")
	fl.StringVar(&f.out, "out", "", "`F.safetensors`, F.npz, or a new directory of .npy files")
	fl.BoolVar(&f.list, "list", false, "print every tap of this model for this input, or those that --tap names, with its shape")
	fl.IntVar(&f.options.Steps, "steps", 0, "generate this many tokens more, the likeliest after the repetition penalty of generation_config.json, and write their taps too, as steps.1/NAME and so on")
	fl.StringVar(&f.intervene, "intervene", "", "`FILE.json` of changes to make while the model runs")
	fl.StringVar(&f.grad, "grad", "", "write the gradient of this at each tap too, as d/NAME. `TARGET` is score[:NAME], logit[:TOKEN], logprob[:TOKEN] or diff:TOKEN,TOKEN, with @POSITION for another than the last; TOKEN is an id or a quoted word, without one the likeliest")
	fl.BoolVar(&f.json, "json", false, "print a JSON object with the next tokens, the score and the digest of the logits")
	beginsWith(cmd, "grad", targetForms...)
	f.against.register(cmd)
	return cmd
}

func (f *traceFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.against.check(cmd, f.out); err != nil {
		return usageError{err}
	}
	switch {
	case f.against.asked():
	case f.options.Steps < 0:
		return usageError{fmt.Errorf("--steps is %d; give 0 or a number above it", f.options.Steps)}
	case f.list && f.out != "":
		return usageError{fmt.Errorf("--list prints names and computes nothing; leave --out away")}
	case f.list && f.intervene != "":
		return usageError{fmt.Errorf("--list prints names and computes nothing; leave --intervene away")}
	case !f.list && f.out == "":
		return usageError{fmt.Errorf("--out is missing: name a .safetensors or .npz file, or a new directory; or print the taps with --list")}
	case !f.list && len(f.options.Taps) == 0:
		return usageError{fmt.Errorf("--tap is missing: name the taps to write, as in --tap 'model.layers.*.out'; --list prints them all")}
	}
	release, err := keep(traceFile(f.out))
	if err != nil {
		return err
	}
	defer release()
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	if f.against.asked() {
		if len(args) > 0 {
			f.input.files.Text = args[0]
		}
		f.input.orEmbedded(m)
		f.input.asTaught(m)
		return f.against.run(cmd, m, f.input.files, f.out, f.json)
	}
	if f.grad != "" {
		target, err := loupe.ParseGradTarget(f.grad, m.Tokenizer)
		if err != nil {
			return usageError{err}
		}
		f.options.Grad = &target
		if names := m.Targets(); f.grad == "score" && len(names) > 0 && !slices.Contains(names, weights.ScoreName) {
			fmt.Fprintf(stderr, "note: --grad score: the score head has no target score; the gradient is of score:%s\n", names[0])
		}
	}
	prompt, err := f.input.prompt(cmd.Context(), m, args)
	if err != nil {
		return err
	}
	if f.list {
		return f.printList(cmd, m, prompt)
	}
	if f.intervene != "" {
		if f.options.Interventions, err = readInterventions(cmd, m, f.intervene); err != nil {
			return err
		}
	}
	if f.options.Steps > 0 {
		if f.options.Generation, err = published(m, f.options.Generation); err != nil {
			printNote(fmt.Sprintf("%v; the tokens of --steps are the likeliest ones", err))
		}
	}
	if err := noteMatched(cmd, m, prompt, f.options); err != nil {
		return err
	}
	if err := f.announce(cmd, m, prompt); err != nil {
		return err
	}
	result, err := trace.ToFile(cmd.Context(), m, prompt, f.options, f.out)
	if err != nil {
		return err
	}
	if n := len(result.NoGradient); n > 0 {
		fmt.Fprintf(stderr, "note: --grad %s does not depend on %s%s: there is no d/ of %s\n", f.grad, result.NoGradient[0], andMore(n-1), map[bool]string{true: "it", false: "them"}[n == 1])
	}
	if read := len(result.Tokens) - 1; read < f.options.Steps {
		fmt.Fprintf(stderr, "note: the answer ended after %d tokens: there are taps of %d steps\n", len(result.Tokens), max(read, 0))
	}
	if f.json {
		return json.NewEncoder(stdout).Encode(traced(result, m))
	}
	return nil
}

// traceFile is --out if it is a file; "" for a directory, which is locked when it is made.
func traceFile(out string) string {
	if filepath.Ext(out) == "" {
		return ""
	}
	return out
}

// noteMatched says how many points each pattern matches. It may be more than expected: * matches dots, so
// model.layers.*.out also matches mlp.out.
func noteMatched(cmd *cobra.Command, m *loupe.Model, p *loupe.Prompt, o loupe.TraceOptions) error {
	matched, err := o.Matches(cmd.Context(), m, p)
	if err != nil {
		return err
	}
	for _, of := range matched {
		what := "tap"
		if of.Intervention {
			what = "change at"
		}
		fmt.Fprintf(stderr, "note: %s %s\n", what, of)
	}
	return nil
}

func andMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more taps", n)
}

// announce says on a terminal what will be written, before the work begins.
func (f *traceFlags) announce(cmd *cobra.Command, m *loupe.Model, p *loupe.Prompt) error {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	size, err := trace.SizeOf(cmd.Context(), m, p, f.options)
	if err == nil {
		fmt.Fprintf(stderr, "up to %d taps, %s\n", size.Taps, trace.Bytes(size.Bytes))
	}
	return err
}

// traced is what trace --json prints.
func traced(r *loupe.Traced, m *loupe.Model) any {
	out := struct {
		Tokens       []int             `json:"tokens"`
		Text         string            `json:"text"`
		Score        *float64          `json:"score,omitempty"`
		LogitsSHA256 string            `json:"logits_sha256"`
		Precision    string            `json:"precision"`
		Device       *loupe.DeviceInfo `json:"device,omitempty"`
	}{LogitsSHA256: r.Digest, Precision: m.Settings().Precision, Device: m.GPU()}
	for _, t := range r.Tokens {
		out.Tokens, out.Text = append(out.Tokens, t.ID), out.Text+t.Text
	}
	if r.Score != nil {
		out.Score = named(r.Score)
	}
	return out
}

func (f *traceFlags) printList(cmd *cobra.Command, m *loupe.Model, p *loupe.Prompt) error {
	if len(f.options.Taps) == 0 {
		f.options.Taps = []string{"*"}
	}
	taps, err := f.options.Shapes(cmd.Context(), m, p)
	if err != nil {
		return err
	}
	var size trace.Bytes
	for _, t := range taps {
		size += trace.Bytes(t.Bytes())
		if f.json {
			if err := json.NewEncoder(stdout).Encode(map[string]any{"tap": t.Name, "shape": t.Shape}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(screen, "%-44s %v\n", t.Name, t.Shape)
	}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprintf(stderr, "%d taps, %s\n", len(taps), size)
	}
	return nil
}
