package train

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/vit/picture"
)

// recordError says which record an error is of.
func recordError(r *Record, err error) error { return fmt.Errorf("%s: %w", r.Where, err) }

// Example prepares a record for a model: its picture is read, its conversation rendered.
func (r *Record) Example(ctx context.Context, m *loupe.Model) (loupe.Example, error) {
	images, err := r.load(ctx)
	if err != nil {
		return loupe.Example{}, recordError(r, err)
	}
	l, err := r.example(ctx, m, images)
	if err != nil {
		return l, recordError(r, err)
	}
	return l, nil
}

// load reads the record's pictures.
func (r *Record) load(ctx context.Context) (images []picture.Image, err error) {
	for _, path := range r.images() {
		img, err := picture.LoadFile(ctx, path, picture.Limits{})
		if err != nil {
			return nil, err
		}
		images = append(images, img)
	}
	return images, nil
}

// Question is the prompt by which the record's picture is scored: the conversation before the answer, without the record's
// critique.
func (r *Record) Question(ctx context.Context, m *loupe.Model) (*loupe.Prompt, error) {
	p, err := r.questionPrompt(ctx, m)
	if err != nil {
		return nil, recordError(r, err)
	}
	return p, nil
}

// questionPrompt is Question, with errors that do not name the record.
func (r *Record) questionPrompt(ctx context.Context, m *loupe.Model) (*loupe.Prompt, error) {
	images, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	return m.Prepare(ctx, r.input(m, images))
}

// example is Example with the pictures.
func (r *Record) example(ctx context.Context, m *loupe.Model, images []picture.Image) (loupe.Example, error) {
	var values []float64
	var present []bool
	if m.Head != nil {
		values, present = r.values(m.Head)
	}
	return NewExample(ctx, m, r.input(m, images), r.Critique, values, present)
}

// values are what the record says of each target of the head.
func (r *Record) values(h *vit.Head) (values []float64, present []bool) {
	for _, t := range h.Config.Targets {
		v, ok := r.value(t.Name)
		values, present = append(values, v), append(present, ok)
	}
	return values, present
}

// wanted are the standardized values that the head should give.
func (r *Record) wanted(h *vit.Head) ([]float32, []bool) {
	values, present := r.values(h)
	return standardized(h, values), present
}

// input is the record's conversation about its pictures.
func (r *Record) input(m *loupe.Model, images []picture.Image) loupe.Input {
	if r.Messages != nil {
		return loupe.Input{Messages: r.Messages, Images: images}
	}
	system, prompt := r.System, r.Prompt
	if system == "" {
		system = m.Wording().System
	}
	if prompt == "" {
		prompt = m.Wording().Question
	}
	return loupe.Question(system, prompt, images...)
}

// sizes are the records that take the most memory: the one of the most tokens, and the one of the most patches.
type sizes struct {
	longest, largest *Record
	tokens, patches  int
	pictures         int // of different pixels, in all records
}

// add compares a record.
func (s *sizes) add(r *Record, l loupe.Example) {
	if n := len(l.Prompt.IDs); n > s.tokens {
		s.longest, s.tokens = r, n
	}
	if l.Prompt.Images == nil {
		return // a conversation of text alone
	}
	if n := l.Prompt.Images.Pixels.Rows; n > s.patches {
		s.largest, s.patches = r, n
	}
}

// checked prepares every record once, so that a bad picture is found before the first step, and says which records share a
// picture. All bad records are reported in one error, with the lines that could not be read.
func checked(ctx context.Context, m *loupe.Model, records []Record, bad []fault, done func(n int)) (pictures *Pictures, found sizes, err error) {
	digests := make([][]digest, len(records))
	different := map[digest]bool{}
	for i := range records {
		if err := ctx.Err(); err != nil {
			return nil, found, err
		}
		images, err := records[i].load(ctx)
		if err == nil {
			digests[i] = records[i].digests(images)
			for _, d := range digests[i][:len(images)] {
				different[d] = true
			}
			var l loupe.Example
			if l, err = records[i].example(ctx, m, images); err == nil {
				found.add(&records[i], l)
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; paths are relative to the file of records, or to train.ReadOptions.ImageFolder", err)
		}
		if err != nil {
			bad = append(bad, records[i].fault(err))
		}
		done(i + 1)
	}
	if len(bad) > 0 {
		return nil, found, byLine(bad)
	}
	found.pictures = len(different)
	return groupedBy(digests), found, nil
}

// digests are those of the record's pictures. A conversation without pictures has the digest of its text.
func (r *Record) digests(images []picture.Image) []digest {
	if len(images) == 0 {
		text, _ := json.Marshal([]any{r.Messages, r.Critique}) // of texts: it does not fail
		return []digest{{pixels: sha256.Sum256(text)}}
	}
	var out []digest
	for _, img := range images {
		out = append(out, digestOf(img))
	}
	return out
}
