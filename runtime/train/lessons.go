package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// Lesson prepares a record for a model: its picture is read, its conversation rendered.
func (r *Record) Lesson(m *loupe.Model) (loupe.Lesson, error) {
	img, err := picture.LoadFile(r.Image, picture.Limits{})
	if err != nil {
		return loupe.Lesson{}, fmt.Errorf("%s: %w", r.Where, err)
	}
	var values []float64
	var present []bool
	if m.Head != nil {
		for _, t := range m.Head.Config.Targets {
			v, ok := r.value(t.Name)
			values, present = append(values, v), append(present, ok)
		}
	}
	l, err := NewLesson(m, r.input(img), r.Critique, values, present)
	if err != nil {
		return l, fmt.Errorf("%s: %w", r.Where, err)
	}
	return l, nil
}

// input is the record's conversation about its picture.
func (r *Record) input(img picture.Image) loupe.Input {
	if r.Messages != nil {
		return loupe.Input{Messages: r.Messages, Images: []picture.Image{img}}
	}
	system, prompt := r.System, r.Prompt
	if system == "" {
		system = loupe.Rubric
	}
	if prompt == "" {
		prompt = loupe.ScorePrompt
	}
	in := loupe.Ask(prompt, img)
	in.Messages = append([]tokenizer.Message{{Role: "system", Text: system}}, in.Messages...)
	return in
}

// checked prepares every record once, so that a bad picture is found before the first step and not in the night, and gives
// the digest of its pixels. All that are bad are reported, in one error.
func checked(ctx context.Context, m *loupe.Model, records []Record, done func(n int)) ([][32]byte, error) {
	digests := make([][32]byte, len(records))
	var bad []error
	for i := range records {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		img, err := picture.LoadFile(records[i].Image, picture.Limits{})
		if err == nil {
			digests[i] = sha256.Sum256(img.Pix)
			_, err = records[i].Lesson(m)
		} else {
			err = fmt.Errorf("%s: %w", records[i].Where, err)
		}
		if err != nil {
			bad = append(bad, err)
		}
		done(i + 1)
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("check training data: %w", listed(bad))
	}
	return digests, nil
}

// split parts records into those to learn from and those to evaluate on: as they say, and else by a number drawn from the
// seed and the picture's pixels, so that copies of one picture are on one side.
func split(records []Record, digests [][32]byte, part float64, seed uint64) (train, eval []Record) {
	for i, r := range records {
		side := r.Split
		if side == "" {
			h := sha256.Sum256(binary.LittleEndian.AppendUint64(digests[i][:], seed))
			if float64(binary.LittleEndian.Uint64(h[:])>>11)/(1<<53) < part {
				side = "eval"
			}
		}
		if side == "eval" && part > 0 {
			eval = append(eval, r)
		} else {
			train = append(train, r)
		}
	}
	return train, eval
}

// headFor describes a score head for what the records hold: the mean of the merged picture rows, one linear layer, and a
// target for the score and each dimension, standardised over the records.
func headFor(records []Record) (weights.ScoreHeadConfig, bool) {
	cfg := weights.ScoreHeadConfig{Version: 1, Input: "visual.merger", Pool: "mean"}
	names := map[string]bool{}
	for i := range records {
		if records[i].Score != nil {
			names[scoreName] = true
		}
		for name := range records[i].Targets {
			names[name] = true
		}
	}
	order := append([]string{scoreName}, dimensions...)
	for name := range names {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	slices.Sort(order[1+len(dimensions):])
	for _, name := range order {
		if !names[name] {
			continue
		}
		var values []float64
		for i := range records {
			if v, ok := records[i].value(name); ok {
				values = append(values, v)
			}
		}
		mean, std := meanAndDeviation(values)
		cfg.Targets = append(cfg.Targets, weights.ScoreTarget{Name: name, Mean: mean, Std: std, Min: 1, Max: 100})
	}
	return cfg, len(cfg.Targets) > 0
}

// meanAndDeviation are those of the values as a whole; a deviation of 0 becomes 1.
func meanAndDeviation(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	for _, v := range values {
		deviation += float64((v - mean) * (v - mean))
	}
	if deviation = math.Sqrt(deviation / float64(len(values))); deviation == 0 {
		deviation = 1
	}
	return mean, deviation
}
