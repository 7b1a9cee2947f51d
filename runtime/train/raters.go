package train

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/runtime/train/metrics"
)

// How several ratings of one picture are combined: into their mean, or not at all.
const (
	RatersMean = "mean"
	RatersEach = "each"
)

// RaterModes are the names of these, the default first.
var RaterModes = []string{RatersMean, RatersEach}

// ratings are the records that ask the same question about the same picture or pictures, in their order.
type ratings struct{ records []int }

// asked gathers the records that ask the same about one picture. If there are several, they come from several raters, or
// from one rater twice.
func asked(records []Record, p *Pictures) []*ratings {
	var out []*ratings
	known := map[string]*ratings{}
	for i := range records {
		r := &records[i]
		var shown [][]byte
		for _, d := range p.shown[i] {
			shown = append(shown, d.bytes())
		}
		key, _ := json.Marshal([]any{shown, r.System, r.Prompt, r.Messages}) // of texts and bytes: it does not fail
		o := known[string(key)]
		if o == nil {
			o = &ratings{}
			known[string(key)] = o
			out = append(out, o)
		}
		o.records = append(o.records, i)
	}
	return out
}

// averaged replaces several records that ask the same about one picture by one record with the mean of each target, so that
// a picture counts once. Different critiques stay records of their own, and the first of these has the numbers. It also
// returns the pictures of the new records.
func averaged(records []Record, p *Pictures) ([]Record, *Pictures) {
	var out []Record
	var numbers []int
	for _, o := range asked(records, p) {
		joint := joined(records, o.records)
		out = append(out, joint...)
		for range joint {
			numbers = append(numbers, o.records[0])
		}
	}
	return out, p.some(numbers)
}

// joined is averaged for records that ask the same about one picture.
func joined(records []Record, of []int) []Record {
	first := records[of[0]]
	if len(of) == 1 {
		return []Record{first}
	}
	var critiques []string
	var where []string
	sums, counts := map[string]float64{}, map[string]int{}
	for _, i := range of {
		r := &records[i]
		if r.Critique != "" && !slices.Contains(critiques, r.Critique) {
			critiques = append(critiques, r.Critique)
		}
		where = append(where, fmt.Sprint(r.number))
		for name, v := range r.numbers() {
			counts[name]++
			sums[name] += (v - sums[name]) / float64(counts[name])
		}
	}
	first.Where += " (with " + cmp.Or(first.unit, "line") + "s " + strings.Join(where[1:], ", ") + " of the same picture)"
	first.Score, first.Targets, first.Critique = nil, nil, ""
	for name, v := range sums {
		first.setValue(name, v)
	}
	if len(critiques) == 0 {
		return []Record{first}
	}
	first.Critique = critiques[0]
	out := []Record{first}
	for _, text := range critiques[1:] {
		r := first
		r.Score, r.Targets, r.Critique = nil, nil, text
		out = append(out, r)
	}
	return out
}

// numbers are what the record says of each target, the score among them, by name.
func (r *Record) numbers() map[string]float64 {
	out := map[string]float64{}
	for name, v := range r.Targets {
		out[name] = v
	}
	if r.Score != nil {
		out[scoreName] = *r.Score
	}
	return out
}

// agreement is how far the raters of the same pictures agree, by target; nil where no picture has two ratings.
func agreement(ctx context.Context, records []Record, p *Pictures, o metrics.Options) (map[string]*metrics.Agreement, error) {
	var out map[string]*metrics.Agreement
	for _, target := range targetNames(records) {
		var ratings [][]float64
		for _, asks := range asked(records, p) {
			var of []float64
			for _, i := range asks.records {
				if v, ok := records[i].value(target); ok {
					of = append(of, v)
				}
			}
			ratings = append(ratings, of)
		}
		a, err := metrics.Agree(ctx, ratings, o)
		if err != nil {
			return nil, fmt.Errorf("agreement of the raters on %s: %w", target, err)
		}
		if a != nil {
			if out == nil {
				out = map[string]*metrics.Agreement{}
			}
			out[target] = a
		}
	}
	return out, nil
}
