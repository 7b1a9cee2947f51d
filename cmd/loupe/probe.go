package main

import (
	"errors"
	"fmt"
	"math"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
	"github.com/loupe-vl/loupe/runtime/trace/report"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/spf13/cobra"
)

// probeLens is the lens that reads many records and not one prompt.
const probeLens = "probe"

// checkProbe refuses flags that do not go together.
func (f *lensFlags) checkProbe(args []string) error {
	switch {
	case f.what != probeLens && (f.data != "" || len(f.records.columns) > 0 || f.records.options.ImageFolder != ""):
		return errors.New("--data, --columns and --image-folder go with --what probe")
	case f.what == probeLens && f.data == "":
		return errors.New("--data is missing: name a file of records, as train takes it; `loupe demo paint` makes some")
	case f.what == probeLens && (len(args) > 0 || f.input.given()):
		return errors.New("--what probe asks about each picture of --data as its record does; leave the prompt and the input flags away")
	}
	return nil
}

// probe fits probes on the records of --data.
func (f *lensFlags) probe(cmd *cobra.Command, m *loupe.Model) (report.Found, error) {
	records, err := f.records.read(cmd, f.data)
	if err != nil {
		return nil, err
	}
	pictures, err := train.ReadPictures(cmd.Context(), records)
	if err != nil {
		return nil, err
	}
	set := lens.ProbeSet{Picture: pictures.Of}
	for _, name := range knownOf(records) {
		of := map[int]bool{}
		for i, r := range records {
			if !math.IsNaN(valueOf(r, name)) {
				of[pictures.Of[i]] = true
			}
		}
		if len(of) < lens.LeastPictures {
			fmt.Fprintf(stderr, "note: %s is told of %d pictures, and a probe needs %d: it is left out\n", name, len(of), lens.LeastPictures)
			continue
		}
		set.Targets = append(set.Targets, name)
	}
	for _, r := range records {
		var values []float64
		for _, name := range set.Targets {
			values = append(values, valueOf(r, name))
		}
		set.Values = append(set.Values, values)
	}
	if n := pictures.Len(); n < len(records) {
		fmt.Fprintf(stderr, "note: %d records are of %d pictures; what is said of one picture stays together and counts once\n", len(records), n)
	}
	set.Prompt = func(i int) (*loupe.Prompt, error) {
		p, err := records[i].Question(cmd.Context(), m)
		if err == nil && (p.Images == nil || len(p.Images.Grids) != 1) {
			err = fmt.Errorf("%s: a probe asks about one picture, and this record has another number of them; take it out", records[i].Where)
		}
		return p, err
	}
	bar := newProgress("lens probe", len(records))
	defer bar.end()
	set.Progress = bar.at
	found, err := lens.Probe(cmd.Context(), m, set)
	if err != nil {
		return nil, err
	}
	return report.Probing(found), nil
}

// knownOf are the targets that records have: the score first, then the others by name.
func knownOf(records []train.Record) []string {
	var names []string
	scored := false
	for _, r := range records {
		scored = scored || r.Score != nil
		for name := range r.Targets {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	if scored && !slices.Contains(names, "score") {
		names = append([]string{"score"}, names...)
	}
	return names
}

// valueOf is a record's value of a target; NaN: it has none.
func valueOf(r train.Record, name string) float64 {
	if v, ok := r.Targets[name]; ok {
		return v
	}
	if name == "score" && r.Score != nil {
		return *r.Score
	}
	return math.NaN()
}
