package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
)

// Request is what is to be decided.
type Request struct {
	Command string // as the record names it
	Input   loupe.Input
	Sources []loupe.Source // what Input's pictures and videos were decoded from, in the order of the conversation
	FPS     float64        // of videos, where it was asked for
	// Answer asks for text; without it the score head alone is asked.
	Answer     bool
	Generation loupe.Generation
	// Explain lists methods whose attributions of the score are kept with the decision.
	Explain []string
	// Look, if set, shows the run of an answer while it is made. It changes no bit.
	Look *Look
}

// Look is what to show of the run that is recorded.
type Look struct {
	Taps []string // as TraceOptions has them
	See  func(loupe.Tap) error
	// Scored, where it is set, is told of the score as TraceOptions has it.
	Scored func(s *loupe.Score, rows []loupe.Tap) error
}

// observation is everything that is recorded of a run.
type observation struct {
	template Digest
	sources  []Source
	patches  Digest
	frames   Digest
	prompt   *loupe.Prompt
	blocks   blocks
	score    *loupe.Score
	scores   []Scored
	answered answered
	finish   string
	logits   Digest
	maps     []keptMap
}

// observe runs a request and digests every stage of it. token is called with each token but the last, which is returned:
// the caller passes it on once the decision is recorded.
func observe(ctx context.Context, m *loupe.Model, r Request, token func(loupe.Token) error) (*observation, *loupe.Token, error) {
	o := &observation{template: digestOf([]byte(m.Template.Source()))}
	o.look(r)
	var err error
	if o.prompt, err = m.Prepare(ctx, r.Input); err != nil {
		return nil, nil, err
	}
	o.grids(r)
	var d loupe.BlockDigests
	var last *loupe.Token
	if r.Answer {
		last, err = o.answer(ctx, m, r, &d, token)
	} else {
		o.score, err = d.Score(ctx, m, o.prompt)
	}
	if err != nil {
		return nil, nil, err
	}
	o.blocks = blocks{d.Blocks(), d.Steps()}
	if o.score != nil {
		for _, t := range o.score.Targets {
			o.scores = append(o.scores, Scored{t.Name, Single(t.Output), Double(t.Value), Double(t.Clamped)})
		}
	}
	for _, name := range r.Explain {
		kept, err := explain(ctx, m, r.Input, o.prompt, name)
		if err != nil {
			return nil, nil, err
		}
		o.maps = append(o.maps, kept)
	}
	return o, last, nil
}

func (o *observation) answer(ctx context.Context, m *loupe.Model, r Request, d *loupe.BlockDigests, token func(loupe.Token) error) (*loupe.Token, error) {
	var last *loupe.Token
	take := func(t loupe.Token) error {
		if last != nil && token != nil {
			if err := token(*last); err != nil {
				return err
			}
		}
		last = &t
		o.answered.Text += t.Text
		o.answered.Tokens = append(o.answered.Tokens, t.ID)
		o.answered.LogProbs = append(o.answered.LogProbs, Double(t.LogProb))
		o.finish = t.Finish
		return nil
	}
	if r.Look != nil {
		traced, err := m.Trace(ctx, o.prompt, loupe.TraceOptions{Taps: r.Look.Taps, Steps: r.Generation.MaxTokens - 1, Generation: r.Generation, Token: take, Digests: d, Scored: r.Look.Scored}, r.Look.See)
		if err != nil {
			return nil, err
		}
		o.score, o.logits = traced.Score, Digest(traced.Digest)
		return last, nil
	}
	a, err := d.Answer(ctx, m, o.prompt, r.Generation)
	if err != nil {
		return nil, err
	}
	for t, err := range a.Tokens() {
		if err == nil {
			err = take(t)
		}
		if err != nil {
			return nil, err
		}
	}
	o.score, o.logits = a.Score, Digest(a.LogitsDigest())
	return last, nil
}

// look digests the sources and what was decoded from them.
func (o *observation) look(r Request) {
	images, videos := r.Input.Images, r.Input.Videos
	for _, in := range r.Sources {
		s := Source{Kind: "image", Frames: in.Frames}
		var decoded []picture.Image
		if in.Video {
			s.Kind = "video"
			decoded, videos = videos[0], videos[1:]
		} else {
			decoded, images = images[:1], images[1:]
		}
		for i, f := range in.Files {
			file := SourceFile{Bytes: digestOf(f.Data)}
			of := decoded
			if in.Frames {
				of = decoded[i : i+1]
			}
			for _, img := range of {
				file.Pixels = append(file.Pixels, Plane{img.Width, img.Height, digestOf(img.Pix)})
			}
			s.Files = append(s.Files, file)
		}
		o.sources = append(o.sources, s)
	}
}

// grids adds the grids and patches of the sources.
func (o *observation) grids(r Request) {
	next := map[bool]int{}
	for i, in := range r.Sources {
		v := o.prompt.Images
		if in.Video {
			v = o.prompt.Videos
		}
		g := v.Grids[next[in.Video]]
		next[in.Video]++
		o.sources[i].Grid = g[:]
	}
	o.patches, o.frames = visionDigest(o.prompt.Images), visionDigest(o.prompt.Videos)
}

func visionDigest(v *loupe.Vision) Digest {
	if v == nil {
		return ""
	}
	return floatsDigest(v.Pixels.Floats())
}

// floatsDigest is the SHA-256 of float32 values, little-endian.
func floatsDigest(values []float32) Digest {
	h := sha256.New()
	buf := make([]byte, 0, 1<<14)
	for len(values) > 0 {
		n := min(len(values), cap(buf)/4)
		buf = buf[:0]
		for _, v := range values[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		h.Write(buf)
		values = values[n:]
	}
	return Digest(hex.EncodeToString(h.Sum(nil)))
}

// rubric says whose the system text is.
func rubric(in loupe.Input) string {
	for _, m := range in.Messages {
		if m.Role != "system" {
			continue
		}
		text := m.Text
		for _, p := range m.Parts {
			text += p.Text
		}
		if text == loupe.Rubric {
			return "default"
		}
		return "own"
	}
	return "none"
}

// difference is the first thing in which a run differs from the record.
type difference struct {
	what string // "picture 1", "layer model.layers.3.out", ...
	how  string
}

func (d difference) String() string { return fmt.Sprintf("%s: %s", d.what, d.how) }

// differ compares two texts or digests of one thing.
func differ(what string, recorded, now any) *difference {
	a, b := fmt.Sprint(recorded), fmt.Sprint(now)
	if a == b {
		return nil
	}
	return &difference{what, fmt.Sprintf("the record has %s, and now it is %s", shorten(a), shorten(b))}
}

// shorten cuts a digest to what people can compare.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 80 {
		return s[:64] + "..."
	}
	return s
}
