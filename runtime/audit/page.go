package audit

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/png"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("decision").Parse(pageHTML))

// pageData is what the page of a decision shows.
type pageData struct {
	Entry               int64
	Log, Ended, Version string
	Model, Adapter      string
	Verdict             string
	Differs             bool
	Scores              []pageScore
	Reviewed            bool
	Answer              string
	Pictures            []pagePicture
	Gone                string
	Facts               []pageFact
	Record              Digest
	Reviews             []string
}

type pageScore struct{ Name, Shown, Raw, Review string }

type pagePicture struct {
	Data    template.URL
	Caption string
}

type pageFact struct {
	Name, Text string
	Code       bool
}

// Page is a page of HTML about decision r, for the person whom it concerns: the picture as the model saw it, what each part
// of it contributed to the score, score, words, record and how to check it. It needs no network and no script. The decision
// is replayed for it, as p says, and the page tells the result.
func (a *Archive) Page(ctx context.Context, r *Record, p *Replay) ([]byte, error) {
	d := r.Decision
	if d == nil {
		return nil, fmt.Errorf("entry %d is no decision", r.Sequence)
	}
	out := &pageData{
		Entry: r.Sequence, Log: a.origin(), Ended: d.Ended, Version: release(d.Program), Model: d.Model.Name, Record: digestOf(r.Entry),
	}
	if d.Adapter != nil {
		out.Adapter = d.Adapter.Name
	}
	v, prompt, err := a.replay(ctx, r, p)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		out.Verdict, out.Differs = "It could not be computed again here: "+err.Error(), true
	case v.Identical:
		out.Verdict = "It was computed again for this page, from the kept picture and words, and came out the same in every bit."
	case v.Redacted:
		out.Verdict = "Its picture or words were redacted, so that it cannot be computed again. Its record is unchanged."
	default:
		out.Verdict, out.Differs = "Computed again for this page, it differs first in "+v.First, true
	}
	if err := a.pageReviews(ctx, r, out); err != nil {
		return nil, err
	}
	if answered, err := readJSON[answered](a.kept, d.Answered, true); err == nil {
		out.Answer = answered.Text
	}
	if v.Identical {
		if err := a.pagePictures(ctx, d, p.loaded, prompt, out); err != nil {
			return nil, err
		}
	} else {
		out.Gone = "The picture is not shown, since the decision was not computed again."
	}
	out.Facts = pageFacts(d)
	var text bytes.Buffer
	if err := page.Execute(&text, out); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// origin is the log's name; of a proof that stands alone, that of its first key.
func (a *Archive) origin() string {
	if a.Log != nil {
		return a.Log.Checkpoint.Origin
	}
	for _, k := range a.all() {
		return k.verifier.Name()
	}
	return ""
}

// pageReviews adds scores, and what people said of the decision.
func (a *Archive) pageReviews(ctx context.Context, r *Record, out *pageData) error {
	reviews := map[string]string{}
	if a.Log != nil {
		err := a.Records(ctx, func(other *Record) error {
			v := other.Review
			if v == nil || v.Entry != r.Sequence {
				return nil
			}
			out.Reviews = append(out.Reviews, fmt.Sprintf("%s, %s: %s", v.By, day(v.Logged), v.Why))
			if v.Score != nil {
				target := v.Target
				if target == "" && len(r.Decision.Scores) > 0 {
					target = r.Decision.Scores[0].Name
				}
				reviews[target] = v.Score.Decimal + " (" + v.By + ")"
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	out.Reviewed = len(reviews) > 0
	for _, s := range r.Decision.Scores {
		clamped, err := s.Clamped.Float()
		if err != nil {
			return fmt.Errorf("entry %d, score %s: %w", r.Sequence, s.Name, err)
		}
		out.Scores = append(out.Scores, pageScore{s.Name, fmt.Sprintf("%.1f", clamped), s.Value.Decimal, reviews[s.Name]})
	}
	return nil
}

// pagePictures draws what the model saw, and what each part of it contributed, if the head allows that.
func (a *Archive) pagePictures(ctx context.Context, d *Decision, m *loupe.Model, prompt *loupe.Prompt, out *pageData) error {
	if prompt.Images == nil && prompt.Videos == nil {
		return nil
	}
	maps, err := a.pageMaps(ctx, d, m, prompt)
	if err != nil {
		return err
	}
	for _, one := range maps {
		img, err := figure.Attribution(prompt, m.Processor, one, figure.DefaultStyle())
		if err != nil {
			return err
		}
		caption := "Left: the picture as the model saw it. Right: what each part of it gives, by the method " + string(one.Method)
		if one.Target != "" {
			caption += ", to " + one.Target
		}
		if one.Sum != nil {
			caption += ". The parts add up to the score"
		}
		if err := out.add(img, caption+"."); err != nil {
			return err
		}
	}
	if len(maps) > 0 {
		return nil
	}
	for i, seen := range figure.Seen(prompt, m.Processor) {
		if err := out.add(seen, fmt.Sprintf("Picture %d as the model saw it.", i+1)); err != nil {
			return err
		}
	}
	return nil
}

// pageMaps are the attributions that were kept with the decision; without any, the contributions to the score of a linear
// head.
func (a *Archive) pageMaps(ctx context.Context, d *Decision, m *loupe.Model, p *loupe.Prompt) ([]*attribution.Map, error) {
	var out []*attribution.Map
	for _, e := range d.Explained {
		data, err := a.kept.read(e.Kept)
		if err != nil {
			return nil, err
		}
		var one attribution.Map
		if err := json.Unmarshal(data, &one); err != nil {
			return nil, fmt.Errorf("kept file %s is no map: %w", e.Kept, err)
		}
		out = append(out, &one)
	}
	if len(out) > 0 || m.Head == nil || len(m.Head.Config.Hidden) > 0 || len(d.Scores) == 0 {
		return out, nil
	}
	one, err := attribution.Compute(ctx, m, p, attribution.Contribution, attribution.Options{Target: &loupe.GradTarget{Score: true}})
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, nil // the score of a head that reads text has no contributions of pictures
	}
	return []*attribution.Map{one}, nil
}

func (p *pageData) add(img image.Image, caption string) error {
	if img.Bounds().Empty() {
		return errors.New("draw the page: a picture is empty")
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return err
	}
	p.Pictures = append(p.Pictures, pagePicture{template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), caption})
	return nil
}

// day is the date of a time as records have it.
func day(stamp string) string {
	date, _, _ := strings.Cut(stamp, "T")
	return date
}

func pageFacts(d *Decision) []pageFact {
	where := "machine"
	if d.Arithmetic.Arch != "" {
		where = "GPU of that architecture"
	}
	facts := []pageFact{
		{"Decided", d.Started + " to " + d.Ended, false},
		{"Command", d.Command, false},
		{"Program", fmt.Sprintf("loupe %s, %s, %s/%s", release(d.Program), d.Program.Go, d.Program.OS, d.Program.Arch), false},
		{"Arithmetic", fmt.Sprintf("number %d, %s: the same bits on every %s", d.Arithmetic.Version, d.Arithmetic, where), false},
		{"Model's weights", string(d.Model.Weights), true},
		{"Model's files", string(d.Model.Manifest), true},
	}
	if d.Program.Device != nil {
		facts = append(facts, pageFact{"Device", d.Program.Device.String(), false})
	}
	for _, more := range []struct {
		name string
		part *Part
	}{{"Adapter", d.Adapter}, {"Score head", d.Head}} {
		if more.part != nil {
			facts = append(facts, pageFact{more.name, more.part.Name + " " + string(more.part.Weights), true})
		}
	}
	facts = append(facts, pageFact{"Instruction", map[string]string{"default": "the program's own rubric", "own": "one that was given", "none": "none"}[d.Rubric], false})
	for i, s := range d.Sources {
		for _, f := range s.Files {
			facts = append(facts, pageFact{fmt.Sprintf("%s %d, file", s.Kind, i+1), string(f.Bytes), true})
		}
		facts = append(facts, pageFact{fmt.Sprintf("%s %d, patches", s.Kind, i+1), fmt.Sprintf("%d x %d x %d (time, rows, columns)", s.Grid[0], s.Grid[1], s.Grid[2]), false})
	}
	facts = append(facts, pageFact{"Patches", string(d.Patches + d.Frames), true}, pageFact{"Template", string(d.Template), true})
	if d.Logits != "" {
		facts = append(facts, pageFact{"Every logit", string(d.Logits), true})
	}
	return facts
}
