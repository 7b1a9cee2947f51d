package main

import (
	"fmt"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/spf13/cobra"
)

// decodingFlags say how text is generated. They are the same on every command that generates some.
type decodingFlags struct {
	gen  loupe.Generation
	topP float64
}

// samplingFlags have no meaning without a temperature.
var samplingFlags = []string{"top-k", "top-p", "min-p", "seed"}

func (f *decodingFlags) register(cmd *cobra.Command) {
	g, fl := &f.gen, cmd.Flags()
	fl.IntVar(&g.MaxTokens, "max-tokens", 256, "most tokens to generate")
	fl.Float64Var(&g.Temperature, "temperature", 0, "0 is greedy: always the likeliest token, also where generation_config.json asks for sampling")
	fl.IntVar(&g.TopK, "top-k", 0, "draw among the k likeliest tokens, and those as likely as the last of them (0: all)")
	fl.Float64Var(&f.topP, "top-p", 1, "draw among the likeliest tokens that make up this probability (0: the likeliest alone)")
	fl.Float64Var(&g.MinP, "min-p", 0, "draw among the tokens at least this part as likely as the likeliest")
	fl.Uint64Var(&g.Seed, "seed", 0, "of the draws: the same seed draws the same tokens")
	fl.Float64Var(&g.RepetitionPenalty, "repetition-penalty", 1, "divide the positive logits of tokens that were there before, in the prompt too, and multiply the negative ones (default: as generation_config.json has it, else 1)")
	fl.StringArrayVar(&g.Stop, "stop", nil, "`TEXT` to stop before (repeatable)")
}

// check refuses values that make no sense, and completes f.gen.
func (f *decodingFlags) check(cmd *cobra.Command) error {
	fl := cmd.Flags()
	if f.gen.MaxTokens < 1 {
		return fmt.Errorf("--max-tokens is %d; give a number above 0", f.gen.MaxTokens)
	}
	switch {
	case !fl.Changed("repetition-penalty"):
		f.gen.RepetitionPenalty = 0 // as the model's own file has it
	case f.gen.RepetitionPenalty == 0:
		return fmt.Errorf("--repetition-penalty is 0, which no logit can be divided by; give 1 (none) or a number near it")
	}
	if fl.Changed("top-p") {
		f.gen.TopP = &f.topP
	}
	if err := f.gen.Validate(); err != nil {
		return err
	}
	for _, name := range samplingFlags {
		if fl.Changed(name) && f.gen.Temperature == 0 {
			return fmt.Errorf("--%s changes nothing at --temperature 0, which always takes the likeliest token; give a --temperature above 0, or leave --%s away", name, name)
		}
	}
	return nil
}

// changed is the first of these flags on the command line; "": none.
func (f *decodingFlags) changed(cmd *cobra.Command) string {
	for _, name := range append([]string{"max-tokens", "temperature", "repetition-penalty", "stop"}, samplingFlags...) {
		if cmd.Flags().Changed(name) {
			return name
		}
	}
	return ""
}

// published completes these flags by m's generation_config.json. A note says what was taken from that file.
func published(m *loupe.Model, g loupe.Generation) (loupe.Generation, error) {
	g, notes, err := m.AsPublished(g)
	for _, note := range notes {
		printNote(note)
	}
	return g, err
}
