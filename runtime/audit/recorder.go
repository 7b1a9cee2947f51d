package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// Recorder makes decisions with one loaded model and records them. It is safe for concurrent use.
type Recorder struct {
	book  *Book
	model *loupe.Model
	where where
	parts func() (*parts, error)
}

// NewRecorder records decisions of m in b. The digests of the model's files are computed during the first decision.
func NewRecorder(b *Book, m *loupe.Model) *Recorder {
	r := &Recorder{book: b, model: m}
	for _, f := range m.Stored().PartFiles() {
		switch f.Part {
		case "model":
			r.where.Model = f.Dir
		case "adapter":
			r.where.Adapter = f.Dir
		case "head":
			r.where.Head = f.Dir
		}
	}
	r.parts = sync.OnceValues(func() (*parts, error) { return partsOf(context.Background(), m) })
	go r.parts()
	return r
}

// Outcome is a decision that was recorded.
type Outcome struct {
	Entry    int64 // its number in the log
	Score    *loupe.Score
	Text     string
	Tokens   []int
	LogProbs []float64
	Finish   string
	Logits   string // digest, as LogitsDigest
	Prompt   *loupe.Prompt
}

// Decide runs a request and records it. token is called with each token as it comes, but with the last one only once the
// decision is durable in the log: nothing is given that is not recorded. The error of a decision that could not be recorded
// says so.
func (r *Recorder) Decide(ctx context.Context, q Request, token func(loupe.Token) error) (*Outcome, error) {
	started := time.Now()
	o, last, err := observe(ctx, r.model, q, token)
	if err != nil {
		return nil, err
	}
	e, err := r.event(q, o, started)
	if err != nil {
		return nil, fmt.Errorf("the decision could not be recorded, so it is not given: %w", err)
	}
	n, err := r.book.add(ctx, e)
	if err != nil {
		return nil, err
	}
	if last != nil && token != nil {
		if err := token(*last); err != nil {
			return nil, err
		}
	}
	out := &Outcome{Entry: n, Score: o.score, Text: o.answered.Text, Tokens: o.answered.Tokens, Finish: o.finish, Logits: string(o.logits), Prompt: o.prompt}
	for _, p := range o.answered.LogProbs {
		v, err := p.Float()
		if err != nil {
			return nil, err
		}
		out.LogProbs = append(out.LogProbs, v)
	}
	return out, nil
}

// event is the event of an observation.
func (r *Recorder) event(q Request, o *observation, started time.Time) (event, error) {
	parts, err := r.parts()
	if err != nil {
		return event{}, err
	}
	settings := r.model.Settings()
	d := &Decision{
		Command: q.Command, Started: stamp(started), Ended: stamp(time.Now()),
		Program:    program(r.model),
		Arithmetic: Arithmetic{loupe.ArithmeticVersion, settings.Precision, r.model.Arch()},
		Model:      *parts.model, Adapter: parts.adapter, Head: parts.head,
		Template: o.template,
		Pixels:   Pixels{r.model.Processor.MinPixels, r.model.Processor.MaxPixels},
		Sources:  o.sources, Patches: o.patches, Frames: o.frames,
		Rubric: rubric(q.Input), Sampling: sampling(q.Generation),
		Scores: o.scores, Tokens: len(o.answered.Tokens), Finish: o.finish, Logits: o.logits,
	}
	e := event{kind: DecisionPredicate, predicate: d}
	keep := func(data []byte) Digest {
		e.files = append(e.files, data)
		return digestOf(data)
	}
	keepJSON := func(v any, salt bool) (d Digest) {
		data, failed := canonical(v)
		if failed != nil && err == nil {
			err = failed
		}
		if salt {
			data = salted(data)
		}
		return keep(data)
	}
	for _, m := range parts.manifests {
		keepJSON(m, false)
	}
	a := asked{Messages: q.Input.Messages, FPS: q.FPS, Prompt: o.prompt.Text, IDs: o.prompt.IDs}
	for _, s := range q.Sources {
		var names []string
		for _, f := range s.Files {
			keep(f.Data)
			names = append(names, f.Name)
		}
		a.Sources = append(a.Sources, names)
	}
	d.Where, d.Asked, d.Blocks = keepJSON(r.where, true), keepJSON(a, true), keepJSON(o.blocks, false)
	if q.Answer {
		d.Answered = keepJSON(o.answered, true)
	}
	for _, m := range o.maps {
		keep(m.data)
		d.Explained = append(d.Explained, m.line)
	}
	e.subject, err = subjects(d)
	return e, err
}

// subjects are the subjects of the statement: the answer and the scores.
func subjects(d *Decision) ([]Subject, error) {
	var out []Subject
	if d.Answered != "" {
		out = append(out, Subject{"answer", map[string]string{"sha256": string(d.Answered)}})
	}
	if len(d.Scores) > 0 {
		data, err := canonical(d.Scores)
		if err != nil {
			return nil, err
		}
		out = append(out, Subject{"scores", map[string]string{"sha256": string(digestOf(data))}})
	}
	return out, nil
}

// program is what computes here.
func program(m *loupe.Model) Program {
	b, o := loupe.Build(), m.Settings()
	return Program{b.Version, b.Revision, b.Modified, b.Go, b.OS, b.Arch, o.Kernels, o.Threads, (*Device)(m.GPU())}
}

// readJSON reads a kept file of JSON, salted or not.
func readJSON[T any](k kept, d Digest, salt bool) (out T, err error) {
	data, err := k.read(d)
	if err != nil {
		return out, err
	}
	if salt {
		if data, err = unsalted(data); err != nil {
			return out, fmt.Errorf("kept file %s: %w", d, err)
		}
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return out, fmt.Errorf("kept file %s is not the JSON that its record names: %w", d, err)
	}
	return out, nil
}
