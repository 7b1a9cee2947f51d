package train

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/runtime/train/metrics"
)

// readCSV reads a table (see metrics.OpenTable) whose header names its columns: image, score, critique, split, system, prompt,
// and targets. Rows and columns that are empty are skipped.
func readCSV(text []byte, each func(line int, r Record, err error)) error {
	c, err := metrics.OpenTable(bytes.NewReader(text))
	if err != nil {
		return err
	}
	header, err := c.Read()
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	for i, name := range header {
		name = columnName(name)
		if name != "" && slices.Contains(header[:i], name) {
			return fmt.Errorf("the header names column %q twice, the second time as column %d", name, i+1)
		}
		header[i] = name
	}
	if !slices.Contains(header, "image") {
		return fmt.Errorf("the header %q has no column image", header)
	}
	for {
		row, err := c.Read()
		if err == io.EOF {
			return nil
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			each(bad.StartLine, Record{}, bad.Err)
			continue
		}
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(row, func(field string) bool { return strings.TrimSpace(field) != "" }) {
			continue
		}
		n, _ := c.FieldPos(0)
		r, err := rowRecord(header, row)
		each(n, r, err)
	}
}

// columnName is a field of a header as records know it: the columns of the layout in any case, targets as they are.
func columnName(field string) string {
	field = strings.TrimSpace(field)
	if known := strings.ToLower(field); slices.Contains([]string{"image", "score", "critique", "split", "system", "prompt"}, known) {
		return known
	}
	return field
}

// IsTableOfRecords reports whether the header of a CSV names a column image.
func IsTableOfRecords(table []byte) bool {
	c, err := metrics.OpenTable(bytes.NewReader(table))
	if err != nil {
		return false
	}
	header, err := c.Read()
	return err == nil && slices.ContainsFunc(header, func(field string) bool { return columnName(field) == "image" })
}

func rowRecord(header, row []string) (Record, error) {
	r := Record{}
	texts := map[string]*string{"image": &r.Image, "critique": &r.Critique, "split": &r.Split, "system": &r.System, "prompt": &r.Prompt}
	for i, field := range row {
		trimmed := strings.TrimSpace(field)
		switch {
		case trimmed == "":
			continue
		case i >= len(header) || header[i] == "":
			return r, fmt.Errorf("field %d, %.40q, stands under no name of the header", i+1, trimmed)
		case texts[header[i]] != nil:
			*texts[header[i]] = trimmed
			continue
		}
		v, err := metrics.ParseScore(trimmed)
		if err != nil {
			return r, fmt.Errorf("column %s: %w", header[i], err)
		}
		if header[i] == scoreName {
			r.Score = &v
			continue
		}
		if r.Targets == nil {
			r.Targets = map[string]float64{}
		}
		r.Targets[header[i]] = v
	}
	return r, nil
}
