package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
)

// Ask is what a run is to do.
type Ask struct {
	Model         string          `json:"model"` // "model", or "base" for the model without its adapter
	System        string          `json:"system"`
	Question      string          `json:"question"`
	MaxTokens     int             `json:"max_tokens"`
	Temperature   float64         `json:"temperature"`
	Seed          uint64          `json:"seed"`
	Picture       runID           `json:"picture"`       // the run whose picture to take, where none is sent
	Interventions json.RawMessage `json:"interventions"` // as `loupe trace --intervene` takes them; a value is the name of a direction
}

// mostTokens bounds an answer: the page keeps all of it in view.
const mostTokens = 1024

func (a Ask) generation() loupe.Generation {
	g := loupe.Generation{MaxTokens: a.MaxTokens}
	g.Temperature, g.Seed = a.Temperature, a.Seed
	return g
}

func (a Ask) check() error {
	if a.MaxTokens < 1 || a.MaxTokens > mostTokens {
		return fmt.Errorf("the answer may have at most %d tokens; give 1 to %d", a.MaxTokens, mostTokens)
	}
	if err := a.checkSize(); err != nil {
		return err
	}
	return a.generation().Validate()
}

// run is one run on a picture, kept so that it can be inspected. Once it is among the studio's runs only result changes,
// which is set when it ends.
type run struct {
	id       runID
	ask      Ask
	model    *loupe.Model
	file     []byte // the picture as it was sent; runs of one picture share it
	original [2]int // its width and height
	messages []tokenizer.Message
	prompt   *loupe.Prompt
	edits    []edit
	result   atomic.Pointer[done]
}

func runKey(id runID) string { return string(id) + "/" }

// read is how many of the answer's tokens the model has read.
func (r *run) read() int { return len(r.result.Load().tokens) - 1 }

func (r *run) finished() bool { return r.result.Load() != nil }

// rows is how many rows a tower has: patches, or tokens that were read.
func (r *run) rows(t tower) int {
	if t == vision {
		return r.prompt.Images.Pixels.Rows
	}
	return len(r.prompt.IDs) + r.read()
}

// Event is a line of a run's answer; Name says which of the others is there.
type Event struct {
	Name     string             `json:"event"` // prepared, progress, score, contributions, token, done or error
	Prepared *prepared          `json:"run,omitempty"`
	Progress *progress          `json:"progress,omitempty"`
	Score    *score             `json:"score,omitempty"`
	Token    *token             `json:"token,omitempty"`
	Maps     []*attribution.Map `json:"maps,omitempty"`
	Done     *done              `json:"done,omitempty"`
	Error    string             `json:"error,omitempty"`
}

// prepared is what is known of a run before the model runs.
type prepared struct {
	ID       runID              `json:"id"`
	Number   int                `json:"number"` // what people call it
	Ask      Ask                `json:"ask"`
	Kept     []runID            `json:"kept,omitempty"` // all runs that are kept now, where this one has just begun
	Pinned   bool               `json:"pinned,omitempty"`
	Original [2]int             `json:"original"` // width, height
	Seen     [2]int             `json:"seen"`
	Grid     [2]int             `json:"grid"`    // rows and columns of patches
	Merge    int                `json:"merge"`   // patches on each side of what becomes a token
	Picture  [2]int             `json:"picture"` // the first of the picture's tokens, and how many
	Tokens   []token            `json:"tokens"`  // of the prompt, without the picture's
	Count    int                `json:"count"`   // of the prompt, with the picture's
	Done     *done              `json:"done,omitempty"`
	Answer   []token            `json:"answer,omitempty"`
	Maps     []*attribution.Map `json:"maps,omitempty"`
}

type progress struct {
	At   string `json:"at"` // the tap that was passed
	Done int    `json:"done"`
	Of   int    `json:"of"`
}

// score is the score head's result.
type score struct {
	Score   float64  `json:"score"`
	Targets []target `json:"targets"`
}

type target struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"` // output*std + mean
	Clamped float64 `json:"clamped"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
}

// token is one of the prompt or of the answer, at position At.
type token struct {
	At      int      `json:"at"`
	ID      int      `json:"id"`
	Text    string   `json:"text"`
	Special bool     `json:"special,omitempty"`
	LogProb *float64 `json:"logprob,omitempty"` // of the answer's
}

type done struct {
	Score   *score  `json:"score,omitempty"`
	Finish  string  `json:"finish"` // stop or length
	Text    string  `json:"text"`
	Digest  string  `json:"logits_sha256"`
	Seconds float64 `json:"seconds"`
	Entry   *int64  `json:"entry,omitempty"` // its number in the log, where runs are recorded
	tokens  []token // of the answer; the last one was chosen and not read
	maps    []*attribution.Map
}

// prepare makes a run of a picture's file ready, without running the model.
func (s *Studio) prepare(ctx context.Context, a Ask, file []byte) (*run, error) {
	r := &run{ask: a, file: file, model: s.models[a.Model]}
	if r.model == nil {
		return nil, fmt.Errorf("there is no model %q here; base is there where the studio was started with an adapter", a.Model)
	}
	var err error
	if r.edits, err = s.readEdits(a.Interventions); err != nil {
		return nil, err
	}
	if len(r.edits) > 0 && s.o.Book != nil {
		return nil, errors.New("this studio records its runs, and a changed model decides nothing that could be recorded: to try edits, start a studio that does not record")
	}
	img, err := picture.Decode(ctx, file, picture.Limits{MaxPixels: s.o.MaxPixels})
	if err != nil {
		return nil, err
	}
	r.original = [2]int{img.Width, img.Height}
	in := loupe.Ask(a.Question, img)
	if a.System != "" {
		in.Messages = append([]tokenizer.Message{{Role: "system", Text: a.System}}, in.Messages...)
	}
	r.messages = in.Messages
	if r.prompt, err = r.model.Prepare(ctx, in); err != nil {
		return nil, err
	}
	return r, nil
}

// input is what the run was asked, with the picture decoded once more: a large one takes more memory than is kept for a run.
func (r *run) input(ctx context.Context) (loupe.Input, error) {
	img, err := picture.Decode(ctx, r.file, picture.Limits{MaxPixels: r.original[0] * r.original[1]})
	return loupe.Input{Messages: r.messages, Images: []picture.Image{img}}, err
}

func (r *run) prepared() *prepared {
	g := r.prompt.Images.Grids[0]
	size := r.model.Config.Vision.PatchSize
	p := &prepared{
		ID: r.id, Number: r.id.number(), Ask: r.ask, Original: r.original,
		Seen: [2]int{g[2] * size, g[1] * size}, Grid: [2]int{g[1], g[2]}, Merge: r.model.Config.Vision.SpatialMergeSize,
		Picture: [2]int{r.prompt.Images.At[0], len(r.prompt.Images.At)}, Count: len(r.prompt.IDs), Done: r.result.Load(),
	}
	if p.Done != nil {
		p.Answer, p.Maps = p.Done.tokens, p.Done.maps
	}
	for i, id := range r.prompt.IDs {
		if i < p.Picture[0] || i >= p.Picture[0]+p.Picture[1] {
			p.Tokens = append(p.Tokens, r.token(i, id))
		}
	}
	return p
}

func (r *run) token(at, id int) token {
	t := r.model.Tokenizer
	return token{At: at, ID: id, Text: t.DecodeLossy([]int{id}), Special: t.IsSpecial(id)}
}

// answer runs the model and sends what happens. It must be the run's turn. The run is finished when answer returns no
// error.
func (s *Studio) answer(ctx context.Context, r *run, send func(Event) error) error {
	began := time.Now()
	w := &watch{run: r, ctx: ctx, send: send, layers: append(vision.outs(r.model), decoder.outs(r.model)...)}
	generation, _, err := r.model.AsPublished(r.ask.generation())
	if err != nil {
		return err
	}
	d := &done{}
	if recorder := s.recorders[r.model]; recorder != nil {
		err = w.recorded(recorder, generation, s.o.Explain, d)
	} else {
		err = w.traced(generation, d)
	}
	if err != nil {
		return err
	}
	d.Text, d.Seconds, d.tokens, d.maps = w.text.String(), time.Since(began).Seconds(), w.tokens, w.maps
	r.result.Store(d)
	return send(Event{Name: "done", Done: d})
}

// traced is a run that is not recorded.
func (w *watch) traced(g loupe.Generation, d *done) error {
	r := w.run
	traced, err := r.model.Trace(w.ctx, r.prompt, loupe.TraceOptions{Taps: w.layers, Interventions: interventions(r.edits), Steps: r.ask.MaxTokens - 1, Generation: g, Token: w.token, Scored: w.scored}, w.see)
	if err != nil {
		return err
	}
	d.Score, d.Finish, d.Digest = r.score(traced.Score), traced.Tokens[len(traced.Tokens)-1].Finish, traced.Digest
	return nil
}

// recorded is a run that is recorded: the score, the contributions to it and the last piece of the answer are sent once the
// record is durable.
func (w *watch) recorded(by *audit.Recorder, g loupe.Generation, explain []string, d *done) error {
	r := w.run
	in, err := r.input(w.ctx)
	if err != nil {
		return err
	}
	w.hold = true
	out, err := by.Decide(w.ctx, audit.Request{
		Command: "studio", Input: in, Sources: []loupe.Source{{Files: []loupe.SourceFile{{Name: "picture", Data: r.file}}}}, Answer: true, Generation: g, Explain: explain,
		Look: &audit.Look{Taps: w.layers, See: w.see, Scored: w.scored},
	}, w.token)
	if err != nil {
		return err
	}
	for _, e := range w.held {
		if err := w.send(e); err != nil {
			return err
		}
	}
	d.Score, d.Finish, d.Digest, d.Entry = r.score(out.Score), out.Finish, out.Logits, &out.Entry
	return nil
}

// score is the score head's result as the page has it; nil without a head.
func (r *run) score(from *loupe.Score) *score {
	if from == nil {
		return nil
	}
	s := &score{Score: from.Score}
	for i, t := range from.Targets {
		cfg := r.model.Head.Config.Targets[i]
		s.Targets = append(s.Targets, target{Name: t.Name, Value: t.Value, Clamped: t.Clamped, Min: cfg.Min, Max: cfg.Max})
	}
	return s
}
