package train

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/loupe-vl/loupe/weights/disk"
)

// ReadRecords reads training data: JSON Lines, a JSON array, or CSV with a header by the name of the file. Pictures are
// relative to the file. Every bad line is reported, in one error.
func ReadRecords(path string) ([]Record, error) {
	records, bad, err := readRecords(path)
	if err != nil {
		return nil, err
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("read training data %s: %w", path, byLine(bad))
	}
	return records, nil
}

// fault is something wrong with a line of training data, or with the picture that it names.
type fault struct {
	line int
	err  error
}

// readRecords reads the records that are good, and what is wrong with the others.
func readRecords(path string) (records []Record, bad []fault, err error) {
	text, err := disk.Read(path, disk.DataLimit)
	if err != nil {
		return nil, nil, fmt.Errorf("read training data: %w", err)
	}
	if i := invalid(text); i >= 0 {
		return nil, nil, fmt.Errorf("read training data %s: line %d is not UTF-8; save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\")", path, 1+bytes.Count(text[:i], []byte("\n")))
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	read := readLines
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		read = readCSV
	} else if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		read = readArray
	}
	n := 0
	err = read(text, func(line int, r Record, err error) {
		n++
		if err == nil {
			err = r.check()
		}
		if err != nil {
			bad = append(bad, fault{line, err})
			return
		}
		r.Where, r.number = fmt.Sprintf("%s, line %d", path, line), line
		if !filepath.IsAbs(r.Image) {
			r.Image = filepath.Join(filepath.Dir(path), r.Image)
		}
		records = append(records, r)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read training data %s: %w", path, err)
	}
	if n == 0 {
		return nil, nil, fmt.Errorf("read training data %s: it holds no records", path)
	}
	return records, bad, nil
}

// invalid is the place of the first byte that is not UTF-8; -1: none.
func invalid(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// mostListed is how many of many errors are told one by one.
const mostListed = 1000

// listed joins errors into one.
func listed(errs []error) error {
	var text []string
	for i, err := range errs {
		if i == mostListed {
			text = append(text, fmt.Sprintf("and %d more", len(errs)-i))
			break
		}
		text = append(text, err.Error())
	}
	return errors.New(strings.Join(text, "; "))
}

// byLine joins faults into one error, in the order of the file.
func byLine(bad []fault) error {
	slices.SortStableFunc(bad, func(a, b fault) int { return a.line - b.line })
	var errs []error
	for _, f := range bad {
		errs = append(errs, fmt.Errorf("line %d: %w", f.line, f.err))
	}
	return listed(errs)
}

func (r *Record) check() error {
	values := []float64{}
	if r.Score != nil {
		values = append(values, *r.Score)
	}
	for _, v := range r.Targets {
		values = append(values, v)
	}
	switch {
	case r.Image == "":
		return errors.New("it names no image")
	case len(values) == 0 && r.Critique == "":
		return errors.New("it has neither score nor critique nor targets: there is nothing to learn from it")
	case r.Split != "" && r.Split != "train" && r.Split != "eval":
		return fmt.Errorf("split is %q; give train or eval", r.Split)
	case slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }):
		return errors.New("a score or target is not finite")
	}
	if _, ok := r.Targets[scoreName]; ok {
		return errors.New("targets hold a \"score\"; it stands beside them")
	}
	return nil
}
