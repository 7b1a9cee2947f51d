package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

type generateFlags struct {
	model modelFlags
	input inputFlags
	gen   decodingFlags
	json  bool
}

func generateCommand() *cobra.Command {
	var f generateFlags
	cmd := &cobra.Command{
		Use:   "generate [PROMPT]",
		Short: "answer a question about pictures, video or text",
		Example: `  loupe generate --image cat.jpg "What is in this picture?"
  loupe generate --model Qwen2-VL-2B-Instruct --messages chat.json --json`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.model.register(cmd)
	f.input.register(cmd)
	f.gen.register(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object at the end")
	return cmd
}

// generated is what generate --json prints.
type generated struct {
	Text         string    `json:"text"`
	Tokens       []int     `json:"tokens"`
	LogProbs     []float64 `json:"logprobs"`
	PromptTokens int       `json:"prompt_tokens"`
	Finish       string    `json:"finish"`
	Score        *float64  `json:"score,omitempty"`
	LogitsSHA256 string    `json:"logits_sha256"`
	Precision    string    `json:"precision"`
}

func (f *generateFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.gen.check(cmd); err != nil {
		return usageError{err}
	}
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	gen, err := published(m, f.gen.gen)
	if err != nil {
		return err
	}
	prompt, err := f.input.prompt(cmd.Context(), m, args)
	if err != nil {
		return err
	}
	answer, err := m.Answer(cmd.Context(), prompt, gen)
	if err != nil {
		return err
	}
	out := generated{Precision: m.Settings().Precision, PromptTokens: len(prompt.IDs), Tokens: []int{}, LogProbs: []float64{}}
	for t, err := range answer.Tokens() {
		if err != nil {
			return err
		}
		out.Tokens, out.LogProbs = append(out.Tokens, t.ID), append(out.LogProbs, t.LogProb)
		out.Text, out.Finish = out.Text+t.Text, t.Finish
		if !f.json {
			if _, err := fmt.Print(t.Text); err != nil {
				return fmt.Errorf("write the answer: %w", err)
			}
		}
	}
	if !f.json {
		fmt.Println()
		return nil
	}
	out.LogitsSHA256 = answer.LogitsDigest()
	if answer.Score != nil {
		out.Score = &answer.Score.Score
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}
