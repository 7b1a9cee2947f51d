package main

import (
	"errors"
	"fmt"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
	"github.com/loupe-vl/loupe/runtime/trace/report"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/spf13/cobra"
)

// probeLens is the lens that looks at many pictures of which something is known, and not at a prompt.
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

// probe looks through the records of --data.
func (f *lensFlags) probe(cmd *cobra.Command, m *loupe.Model) (report.Found, error) {
	records, err := f.records.read(cmd, f.data)
	if err != nil {
		return nil, err
	}
	set := lens.ProbeSet{Targets: knownOf(records[0])}
	for _, r := range records {
		if !slices.Equal(knownOf(r), set.Targets) {
			return nil, fmt.Errorf("%s: it tells %v of its picture, and the first record %v; every record must tell the same", r.Where, knownOf(r), set.Targets)
		}
		set.Values = append(set.Values, valuesOf(r))
	}
	set.Prompt = func(i int) (*loupe.Prompt, error) {
		r := records[i]
		r.Critique = "" // the answer stays out of the prompt
		l, err := r.Lesson(cmd.Context(), m)
		return l.Prompt, err
	}
	found, err := lens.Probe(cmd.Context(), m, set)
	if err != nil {
		return nil, err
	}
	return report.Probing(found), nil
}

// knownOf are the names of what a record tells: the score first, then the other targets by name.
func knownOf(r train.Record) []string {
	var names []string
	for name := range r.Targets {
		names = append(names, name)
	}
	slices.Sort(names)
	if r.Score != nil {
		names = append([]string{"score"}, names...)
	}
	return names
}

// valuesOf are the numbers of knownOf.
func valuesOf(r train.Record) []float64 {
	var values []float64
	for _, name := range knownOf(r) {
		v, ok := r.Targets[name]
		if !ok {
			v = *r.Score
		}
		values = append(values, v)
	}
	return values
}
