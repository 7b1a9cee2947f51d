package loupe

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
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
	m       *Model
	g       Generation
	ctx     context.Context
	s       *state
	logits  []float32
	sampler *decoder.Sampler
	digest  hash.Hash

	// Score is the score head's result over the pictures; nil without a head or without pictures for it to read.
	Score *Score
}

// Answer reads the prompt: the vision tower, the score head and the prefill, in one pass.
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
	a := &Answer{m: m, g: g, ctx: ctx, s: m.newState(p, f, hooks), digest: sha256.New()}
	if a.logits, err = a.s.prefill(ctx, m.options.PrefillChunk, all); err != nil {
		return nil, err
	}
	a.Score, err = m.scoreOf(ctx, a.s.f.head, hooks)
	if err = m.still(err); err != nil {
		return nil, err
	}
	if !told && a.Score != nil && hooks.tellsScore() {
		if err := hooks.scored(a.Score, m.headTaps(a.s.f.head)); err != nil {
			return nil, err
		}
	}
	a.sampler = decoder.NewSampler(g.Sampling, p.IDs)
	return a, nil
}

// LogitsDigest is the SHA-256 of the logits of each step so far, float32 little-endian in order, before any penalty: two
// runs that agree in it agree in every bit.
func (a *Answer) LogitsDigest() string { return hex.EncodeToString(a.digest.Sum(nil)) }

// Tokens goes on until the model ends, a stop string appears, or MaxTokens or the context is reached.
func (a *Answer) Tokens() iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		if a.m.Tokenizer == nil {
			yield(Token{}, errNoTokenizer)
			return
		}
		room := a.m.Config.Text.MaxPositionEmbeddings - len(a.s.p.IDs)
		if a.g.MaxTokens > 0 {
			room = min(room, a.g.MaxTokens)
		}
		text := newStopper(a.m.Tokenizer.Stream(), a.g.Stop)
		for n := 1; ; n++ {
			hashLogits(a.digest, a.logits)
			id, logprob := a.sampler.Next(a.logits)
			t := Token{ID: id, LogProb: logprob}
			stopped := false
			if a.ends(id) {
				t.Finish, t.Text = "stop", text.flush()
			} else if t.Text, stopped = text.push(id); stopped {
				t.Finish = "stop"
			} else if n >= room {
				t.Finish = "length"
				t.Text += text.flush()
			}
			if t.Finish != "" {
				if err := a.m.unchanged(); err != nil {
					yield(Token{}, err)
					return
				}
			}
			if !yield(t, nil) || t.Finish != "" {
				return
			}
			if a.s.hooks != nil {
				a.s.hooks.digests.nextStep()
			}
			var err error
			if a.logits, err = a.s.next(a.ctx, id); err != nil {
				yield(Token{}, err)
				return
			}
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

func (a *Answer) ends(id int) bool {
	return !a.g.IgnoreEOS && slices.Contains(a.m.Generation.EosTokenIDs, id)
}

func hashLogits(h hash.Hash, logits []float32) {
	b := make([]byte, 0, 4*len(logits))
	for _, v := range logits {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	h.Write(b)
}

// stopper turns tokens into text and holds back what may be the beginning of a stop string.
type stopper struct {
	stream interface {
		Push(id int) string
		Flush() string
	}
	stop []string
	held string
}

func newStopper(stream interface {
	Push(id int) string
	Flush() string
}, stop []string) *stopper {
	return &stopper{stream: stream, stop: stop}
}

// push returns the text that is certain after id, and whether a stop string appeared: the text before it is then all.
func (s *stopper) push(id int) (text string, stopped bool) {
	s.held += s.stream.Push(id)
	for _, stop := range s.stop {
		if before, _, found := strings.Cut(s.held, stop); found && (!stopped || len(before) < len(text)) {
			text, stopped = before, true
		}
	}
	if stopped {
		return text, true
	}
	keep := 0
	for _, stop := range s.stop {
		for n := min(len(stop)-1, len(s.held)); n > keep; n-- {
			if strings.HasSuffix(s.held, stop[:n]) {
				keep = n
			}
		}
	}
	text, s.held = s.held[:len(s.held)-keep], s.held[len(s.held)-keep:]
	return text, false
}

// flush returns what was held back.
func (s *stopper) flush() string {
	text := s.held + s.stream.Flush()
	s.held = ""
	return text
}
