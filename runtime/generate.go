package loupe

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// Generation is how text is made. The zero value is greedy decoding until the model ends or the context is full.
type Generation struct {
	MaxTokens int      // 0: as many as fit
	Stop      []string // text at which to stop; it is not part of the result
	decoder.Sampling
	// IgnoreEOS goes on past the tokens at which the model ends: for measuring.
	IgnoreEOS bool
}

// Validate refuses what cannot be meant, by an [OptionError].
func (g Generation) Validate() error {
	switch {
	case g.MaxTokens < 0:
		return &option.Error{Field: "Generation.MaxTokens", Value: g.MaxTokens, Want: "give a number above 0"}
	case !(g.Temperature >= 0) || math.IsInf(g.Temperature, 0):
		return &option.Error{Field: "Generation.Temperature", Value: g.Temperature, Want: "give 0 (greedy) or a finite number above it"}
	case g.TopK < 0:
		return &option.Error{Field: "Generation.TopK", Value: g.TopK, Want: "give 0 (all) or a number above it"}
	case g.TopP != nil && !(*g.TopP >= 0 && *g.TopP <= 1):
		return &option.Error{Field: "Generation.TopP", Value: *g.TopP, Want: "give a probability from 0 to 1"}
	case !(g.MinP >= 0 && g.MinP <= 1):
		return &option.Error{Field: "Generation.MinP", Value: g.MinP, Want: "give a probability from 0 to 1"}
	case g.RepetitionPenalty != 0 && !(g.RepetitionPenalty >= weights.LeastPenalty && g.RepetitionPenalty <= weights.MostPenalty):
		return &option.Error{Field: "Generation.RepetitionPenalty", Value: g.RepetitionPenalty, Want: fmt.Sprintf("give 1 (none) or a number near it, from %v to %.0f, so that no logit overflows", weights.LeastPenalty, weights.MostPenalty)}
	case slices.Contains(g.Stop, ""):
		return &option.Error{Field: "Generation.Stop", Value: g.Stop, Fault: "Generation.Stop is empty", Want: "give the text to stop at"}
	}
	return nil
}

// Token is one generated token.
type Token struct {
	ID      int
	Text    string  // what the token adds that is certain: whole characters only, and no beginning of a stop string
	LogProb float64 // natural logarithm of its probability, after the repetition penalty and before temperature
	Finish  string  // on the last token: "stop" (an end token or stop string) or "length"; "" before
}

// Generate answers a prompt, a token at a time. An error ends the sequence, and so does leaving the loop. A canceled
// context stops it within a token.
func (m *Model) Generate(ctx context.Context, p *Prompt, g Generation) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		a, err := m.Answer(ctx, p, g)
		if err != nil {
			yield(Token{}, err)
			return
		}
		for t, err := range a.Tokens() {
			if !yield(t, err) {
				return
			}
		}
	}
}

// Answer is a generation under way: the prompt is read, nothing is generated yet.
type Answer struct {
	*Sequence
	// Score is the score head's result over the pictures; nil without a head or without pictures for it to read.
	Score *Score
}

// Answer reads the prompt: the vision tower, the score head and the prefill, in one pass. An answer whose Tokens nobody goes
// through should be closed.
func (m *Model) Answer(ctx context.Context, p *Prompt, g Generation) (*Answer, error) {
	return m.answer(ctx, p, g, nil, false)
}

func (m *Model) answer(ctx context.Context, p *Prompt, g Generation, hooks *hooks, all bool) (*Answer, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	f, err := m.encode(ctx, p, hooks, m.headReads())
	if err != nil {
		return nil, err
	}
	told, err := m.tellEarly(ctx, f.head, hooks)
	if err != nil {
		return nil, err
	}
	a := &Answer{Sequence: m.newSequence(ctx, m.newState(p, f, hooks), g)}
	if err := a.begin(hooks, told, all); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// begin reads the prompt, and tells the score unless it was told.
func (a *Answer) begin(hooks *hooks, told, all bool) (err error) {
	if a.logits, err = a.s.prefill(a.ctx, a.m.options.PrefillChunk, all); err != nil {
		return err
	}
	a.Score, err = a.m.scoreOf(a.ctx, a.s.f.head, hooks)
	if err = a.m.still(err); err != nil {
		return err
	}
	if !told && a.Score != nil && hooks.tellsScore() {
		return hooks.scored(a.Score, a.m.headTaps(a.s.f.head))
	}
	return nil
}

// Tokens goes on until the model ends, a stop string appears, or MaxTokens or the context is reached. The answer is over when
// the loop is left.
func (a *Answer) Tokens() iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		defer a.Close()
		a.s.f.head = nil // the score is known: what its head read is not kept through the answer
		if a.m.Tokenizer == nil {
			yield(Token{}, errNoTokenizer)
			return
		}
		for {
			t, err := a.Next()
			if !yield(t, err) || err != nil || t.Finish != "" {
				return
			}
			a.read()
		}
	}
}

// Text runs Tokens to the end and returns their text.
func (a *Answer) Text() (string, error) {
	var text strings.Builder
	for t, err := range a.Tokens() {
		if err != nil {
			return "", err
		}
		text.WriteString(t.Text)
	}
	return text.String(), nil
}
