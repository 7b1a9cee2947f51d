package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights/option"
)

// Replay says how decisions are replayed.
type Replay struct {
	// Model, Adapter and Head replace the directories of the record; "": the record's.
	Model, Adapter, Head string
	// Threads, Kernels and Device are how to compute, as in loupe.Options; no bit depends on them.
	Threads int
	Kernels string
	Device  string
	// Note is told what a person should know of the device; nil for nobody.
	Note func(string)

	loaded *loupe.Model
	key    loupe.Options
	dir    string
	parts  *parts
}

// Close closes the last model.
func (p *Replay) Close() {
	if p.loaded != nil {
		p.loaded.Close()
		p.loaded = nil
	}
}

// Verdict is what a replay found.
type Verdict struct {
	Entry     int64
	Identical bool
	Redacted  bool   // it cannot be replayed any more
	First     string // the first thing that differs, where one does
}

// Verify replays a decision from its kept files and the model's directory, and compares every digest on the way. A
// difference is a verdict and no error; an error means that the replay could not be tried.
func (a *Archive) Verify(ctx context.Context, r *Record, p *Replay) (Verdict, error) {
	v, _, err := a.replay(ctx, r, p)
	return v, err
}

// replay is Verify. It also returns the prompt that the decision was computed from, where it was identical.
func (a *Archive) replay(ctx context.Context, r *Record, p *Replay) (v Verdict, prompt *loupe.Prompt, err error) {
	v.Entry = r.Sequence
	d := r.Decision
	if d == nil {
		return v, nil, fmt.Errorf("entry %d is no decision", r.Sequence)
	}
	if d.Arithmetic.Version != loupe.ArithmeticVersion {
		return v, nil, fmt.Errorf("entry %d was computed in arithmetic %d, and this release computes in %d: replay it by loupe %s", r.Sequence, d.Arithmetic.Version, loupe.ArithmeticVersion, release(d.Program))
	}
	first, prompt, err := a.compute(ctx, d, p)
	switch {
	case errors.Is(err, errRedacted):
		v.Redacted, v.First = true, err.Error()
	case err != nil:
		return v, nil, fmt.Errorf("entry %d: %w", r.Sequence, err)
	case first != nil:
		v.First = first.String()
	default:
		v.Identical = true
		return v, prompt, nil
	}
	return v, nil, nil
}

// release is the version of loupe that made a record.
func release(p Program) string {
	if p.Revision != "" {
		return p.Version + " (revision " + p.Revision + ")"
	}
	return p.Version
}

// compute runs a decision again and returns the first thing that differs, nil for none, and the prompt that it ran on.
func (a *Archive) compute(ctx context.Context, d *Decision, p *Replay) (*difference, *loupe.Prompt, error) {
	paths, err := readJSON[where](a.kept, d.Where, true)
	if err != nil {
		return nil, nil, err
	}
	m, first, err := p.load(ctx, a, d, paths)
	if m == nil || first != nil || err != nil {
		return first, nil, err
	}
	q, old, first, err := a.request(ctx, d)
	if first != nil || err != nil {
		return first, nil, err
	}
	now, _, err := observe(ctx, m, q, nil)
	if loupe.IsDeviceError(err) {
		return nil, nil, err
	}
	if err != nil {
		return &difference{"run", err.Error()}, nil, ctx.Err()
	}
	first, err = a.compare(d, old, now)
	return first, now.prompt, err
}

// load opens the model of a decision, unless it is open already, and compares its files.
func (p *Replay) load(ctx context.Context, a *Archive, d *Decision, w where) (*loupe.Model, *difference, error) {
	or := func(given, recorded string) string {
		if given != "" {
			return given
		}
		return recorded
	}
	o := loupe.Options{
		Threads: p.Threads, Kernels: p.Kernels, Device: p.Device, Precision: d.Arithmetic.Precision, MinPixels: d.Pixels.Min, MaxPixels: d.Pixels.Max,
		Adapter: or(p.Adapter, w.Adapter), Head: or(p.Head, w.Head),
	}
	dir := or(p.Model, w.Model)
	if p.loaded == nil || p.key != o || p.dir != dir {
		p.Close()
		var err error
		if dir == "" {
			p.loaded, err = loupe.Embedded(o)
		} else {
			p.loaded, err = loupe.Load(dir, o)
		}
		if loupe.IsDeviceError(err) {
			return nil, nil, err
		}
		var refused *option.Error
		if errors.As(err, &refused) && refused.Field == "Options.Precision" && d.Arithmetic.Arch != "" {
			return nil, nil, elsewhere(d.Arithmetic, "no GPU")
		}
		if err != nil {
			return nil, &difference{"model", err.Error()}, nil
		}
		if p.Note != nil {
			for _, n := range p.loaded.DeviceNotes() {
				p.Note(n)
			}
		}
		if p.parts, err = partsOf(ctx, p.loaded); err != nil {
			return nil, nil, err
		}
		p.key, p.dir = o, dir
	}
	if arch := p.loaded.Arch(); arch != d.Arithmetic.Arch {
		return nil, nil, elsewhere(d.Arithmetic, cmp.Or(arch, "no GPU"))
	}
	for _, part := range []struct {
		what     string
		old, now *Part
	}{{"model", &d.Model, p.parts.model}, {"adapter", d.Adapter, p.parts.adapter}, {"head", d.Head, p.parts.head}} {
		switch {
		case part.old == nil && part.now == nil:
		case part.old == nil:
			return nil, &difference{part.what, "there was none"}, nil
		case part.now == nil:
			return nil, &difference{part.what, "there is none now"}, nil
		case part.old.Manifest != part.now.Manifest:
			old, err := readJSON[Manifest](a.kept, part.old.Manifest, false)
			if err != nil {
				return nil, nil, err
			}
			if first := old.compare(part.what, p.parts.manifests[part.now.Manifest]); first != nil {
				return nil, first, nil
			}
			return nil, differ(part.what, part.old.Manifest, part.now.Manifest), nil
		}
	}
	return p.loaded, nil, nil
}

// elsewhere is why a decision in an arithmetic of one architecture is not compared with what another would compute.
func elsewhere(a Arithmetic, here string) error {
	return fmt.Errorf("it was computed in %s, whose bits no other architecture has, and this would compute it on %s: replay it by Options.Device cuda on a GPU of %s", a, here, cmp.Or(a.Arch, "its kind"))
}

// recorded is what a record's kept files say of a run.
type recorded struct {
	asked    asked
	answered answered
	blocks   blocks
}

// request rebuilds the request of a decision from its kept files.
func (a *Archive) request(ctx context.Context, d *Decision) (q Request, old recorded, first *difference, err error) {
	if old.asked, err = readJSON[asked](a.kept, d.Asked, true); err != nil {
		return q, old, nil, err
	}
	if old.blocks, err = readJSON[blocks](a.kept, d.Blocks, false); err != nil {
		return q, old, nil, err
	}
	if d.Answered != "" {
		if old.answered, err = readJSON[answered](a.kept, d.Answered, true); err != nil {
			return q, old, nil, err
		}
	}
	q = Request{Command: d.Command, FPS: old.asked.FPS, Answer: d.Answered != ""}
	if q.Generation, err = d.Sampling.generation(); err != nil {
		return q, old, nil, fmt.Errorf("its sampling: %w", err)
	}
	if len(old.asked.Sources) != len(d.Sources) {
		return q, old, nil, fmt.Errorf("it has %d pictures and videos, and names of %d", len(d.Sources), len(old.asked.Sources))
	}
	for i, s := range d.Sources {
		in := loupe.Source{Video: s.Kind == "video", Frames: s.Frames}
		names := old.asked.Sources[i]
		if len(names) != len(s.Files) {
			return q, old, nil, fmt.Errorf("source %d has %d files, and %d names", i+1, len(s.Files), len(names))
		}
		for j, f := range s.Files {
			data, err := a.kept.read(f.Bytes)
			if err != nil {
				return q, old, nil, err
			}
			in.Files = append(in.Files, loupe.SourceFile{Name: names[j], Data: data})
		}
		q.Sources = append(q.Sources, in)
	}
	for _, e := range d.Explained {
		q.Explain = append(q.Explain, e.Method)
	}
	if q.Input, err = loupe.Rebuild(ctx, old.asked.Messages, q.Sources, q.FPS); err != nil {
		return q, old, &difference{"picture", err.Error()}, ctx.Err()
	}
	return q, old, nil, nil
}

// compare compares a run with the record in the order of the computation, and returns the first difference.
func (a *Archive) compare(d *Decision, old recorded, now *observation) (*difference, error) {
	steps := []*difference{differ("template", d.Template, now.template)}
	for i, s := range d.Sources {
		n := now.sources[i]
		for j, f := range s.Files {
			steps = append(steps, differ(fmt.Sprintf("%s %d, bytes", s.Kind, i+1), f.Bytes, n.Files[j].Bytes), differ(fmt.Sprintf("%s %d, pixels", s.Kind, i+1), f.Pixels, n.Files[j].Pixels))
		}
		steps = append(steps, differ(fmt.Sprintf("%s %d, grid of patches", s.Kind, i+1), s.Grid, n.Grid))
	}
	steps = append(steps, differ("patches", d.Patches, now.patches), differ("patches of videos", d.Frames, now.frames),
		differ("prompt", old.asked.Prompt, now.prompt.Text), differ("prompt's tokens", old.asked.IDs, now.prompt.IDs))
	steps = append(steps, compareBlocks(old.blocks.Blocks, now.blocks.Blocks)...)
	steps = append(steps, differ("score", d.Scores, now.scores))
	steps = append(steps, compareTokens(old, now)...)
	steps = append(steps, differ("logits", d.Logits, now.logits), differ("text", old.answered.Text, now.answered.Text), differ("finish", d.Finish, now.finish))
	for i, e := range d.Explained {
		steps = append(steps, differ("explanation by "+e.Method, e.Kept, now.maps[i].line.Kept))
	}
	at := slices.IndexFunc(steps, func(d *difference) bool { return d != nil })
	if at < 0 {
		return nil, nil
	}
	return steps[at], nil
}

func compareBlocks(old, now []loupe.BlockDigest) []*difference {
	var out []*difference
	for i := range max(len(old), len(now)) {
		switch {
		case i >= len(now):
			out = append(out, &difference{"layer " + old[i].Name, "it was not run"})
		case i >= len(old):
			out = append(out, &difference{"layer " + now[i].Name, "it was not run then"})
		default:
			out = append(out, differ("layer "+old[i].Name, old[i], now[i]))
		}
	}
	return out
}

func compareTokens(old recorded, now *observation) []*difference {
	var out []*difference
	a, b := old.answered, now.answered
	for i := range max(len(a.Tokens), len(b.Tokens)) {
		switch {
		case i >= len(b.Tokens), i >= len(a.Tokens):
			out = append(out, differ("number of tokens", len(a.Tokens), len(b.Tokens)))
			return out
		case i >= len(a.LogProbs):
			out = append(out, differ("number of log-probabilities", len(a.LogProbs), len(b.LogProbs)))
			return out
		}
		if i > 0 && i-1 < len(old.blocks.Steps) && i-1 < len(now.blocks.Steps) {
			out = append(out, differ(fmt.Sprintf("token %d, layers that read it", i), old.blocks.Steps[i-1], now.blocks.Steps[i-1]))
		}
		out = append(out, differ(fmt.Sprintf("token %d", i+1), a.Tokens[i], b.Tokens[i]), differ(fmt.Sprintf("token %d, log-probability", i+1), a.LogProbs[i], b.LogProbs[i]))
	}
	return out
}
