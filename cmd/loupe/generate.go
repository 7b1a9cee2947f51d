package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type generateFlags struct {
	model modelFlags
	input inputFlags
	gen   decodingFlags
	json  bool
	audit auditFlags
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
	f.audit.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object at the end")
	return cmd
}

// generated is what generate --json prints.
type generated struct {
	Text         string            `json:"text"`
	Tokens       []int             `json:"tokens"`
	LogProbs     []float64         `json:"logprobs"`
	PromptTokens int               `json:"prompt_tokens"`
	Finish       string            `json:"finish"`
	Score        *float64          `json:"score,omitempty"`
	LogitsSHA256 string            `json:"logits_sha256"`
	Precision    string            `json:"precision"`
	Device       *loupe.DeviceInfo `json:"device,omitempty"`
}

func (f *generateFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.gen.check(cmd); err != nil {
		return usageError{err}
	}
	book, done, err := f.audit.begin(cmd.Context())
	if err != nil {
		return err
	}
	defer done()
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	gen, err := published(m, f.gen.gen)
	if err != nil {
		return err
	}
	to := io.Writer(stdout) // the text as it is
	if term.IsTerminal(int(os.Stdout.Fd())) {
		to = screen
	}
	out := generated{Precision: m.Settings().Precision, Device: m.GPU(), Tokens: []int{}, LogProbs: []float64{}}
	take := func(t loupe.Token) error {
		out.Tokens, out.LogProbs = append(out.Tokens, t.ID), append(out.LogProbs, t.LogProb)
		out.Text, out.Finish = out.Text+t.Text, t.Finish
		if !f.json {
			if _, err := fmt.Fprint(to, t.Text); err != nil {
				return fmt.Errorf("write the answer: %w", err)
			}
		}
		return nil
	}
	var score *loupe.Score
	if book != nil {
		score, err = f.recorded(cmd.Context(), book, m, args, gen, &out, take)
	} else {
		score, err = f.answer(cmd.Context(), m, args, gen, &out, take)
	}
	if err != nil {
		return err
	}
	if !f.json {
		fmt.Fprintln(to)
		return nil
	}
	if score != nil {
		out.Score = named(score)
	}
	return json.NewEncoder(stdout).Encode(out)
}

// answer runs the model and passes each token to take as it comes.
func (f *generateFlags) answer(ctx context.Context, m *loupe.Model, args []string, gen loupe.Generation, out *generated, take func(loupe.Token) error) (*loupe.Score, error) {
	prompt, err := f.input.prompt(ctx, m, args)
	if err != nil {
		return nil, err
	}
	answer, err := m.Answer(ctx, prompt, gen)
	if err != nil {
		return nil, err
	}
	for t, err := range answer.Tokens() {
		if err == nil {
			err = take(t)
		}
		if err != nil {
			return nil, err
		}
	}
	out.PromptTokens, out.LogitsSHA256 = len(prompt.IDs), answer.LogitsDigest()
	return answer.Score, nil
}

// recorded is answer with a record. The last token is passed on once the decision is durable.
func (f *generateFlags) recorded(ctx context.Context, book *audit.Book, m *loupe.Model, args []string, gen loupe.Generation, out *generated, take func(loupe.Token) error) (*loupe.Score, error) {
	reading, sources := loupe.KeepSources(ctx)
	in, err := f.input.read(reading, m, args)
	if err != nil {
		return nil, err
	}
	o, err := audit.NewRecorder(book, m).Decide(ctx, audit.Request{
		Command: "generate", Input: in, Sources: sources.List, FPS: f.input.files.FPS, Answer: true, Generation: gen, Explain: f.audit.explain,
	}, take)
	if err != nil {
		return nil, err
	}
	out.PromptTokens, out.LogitsSHA256 = len(o.Prompt.IDs), o.Logits
	return o.Score, nil
}
