package metrics

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Names of columns in a header, in lower case. They are used only to see whether the columns are swapped.
var (
	truthNames     = []string{"truth", "true", "target", "label", "expert", "score"}
	predictedNames = []string{"predicted", "prediction", "pred", "model"}
)

// missing are words that other programs write for a missing score, in lower case.
var missing = []string{"", "na", "n/a", "null", "none", "-"}

// ReadPairs reads a table of two columns, the true and the predicted score (see OpenTable). Rows without any text are
// skipped. A first line of two words is a header. If it calls the first column predicted and the second true (see
// predictedNames and truthNames), they are swapped. Errors begin with name and say line and column; a missing score, NaN
// and infinity are errors, since a statistic over the rest would mean something else.
func ReadPairs(r io.Reader, name string) (Pairs, error) {
	var p Pairs
	c, err := OpenTable(r)
	if err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	c.ReuseRecord = true
	first, swapped := true, false
	for {
		row, err := c.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return Pairs{}, syntax(name, err)
		}
		line, _ := c.FieldPos(0)
		if !slices.ContainsFunc(row, func(field string) bool { return strings.TrimSpace(field) != "" }) {
			continue // spreadsheets leave such rows behind
		}
		if len(row) != 2 {
			return Pairs{}, fmt.Errorf("%s: line %d, column %d: the line has not two columns, but %d: write true score, comma, predicted score",
				name, line, min(len(row), 2)+1, len(row))
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		header := first && word(row[0]) && word(row[1])
		first = false
		if header {
			if swapped, err = swaps(row[0], row[1]); err != nil {
				return Pairs{}, fmt.Errorf("%s: line %d, column 2: %w", name, line, err)
			}
			continue
		}
		var pair [2]float64
		for i, text := range row {
			if pair[i], err = score(text); err != nil {
				at, _ := c.FieldPos(i)
				return Pairs{}, fmt.Errorf("%s: line %d, column %d: %w", name, at, i+1, err)
			}
		}
		if swapped {
			pair[0], pair[1] = pair[1], pair[0]
		}
		p.Truth, p.Predicted = append(p.Truth, pair[0]), append(p.Predicted, pair[1])
	}
	if len(p.Truth) == 0 {
		return Pairs{}, fmt.Errorf("%s: line 1, column 1: no pair of scores: write one a line, true score, comma, predicted score", name)
	}
	return p, nil
}

// syntax rewords an error of encoding/csv, which counts columns in bytes.
func syntax(name string, err error) error {
	var e *csv.ParseError
	if errors.As(err, &e) {
		return fmt.Errorf("%s: line %d, column %d (in bytes): a quote is not closed, or stands within a text: close it, and double each quote inside", name, e.Line, e.Column)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// word reports whether a field may be a column's name: not a number, and not a word for a missing one.
func word(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return errors.Is(err, strconv.ErrSyntax) && !slices.Contains(missing, strings.ToLower(text))
}

// swaps reports whether a header calls the first column predicted and the second true. A header that gives both the same
// meaning is refused: any order would be a guess.
func swaps(first, second string) (bool, error) {
	first, second = strings.ToLower(first), strings.ToLower(second)
	for _, names := range [][]string{truthNames, predictedNames} {
		if slices.Contains(names, first) && slices.Contains(names, second) {
			return false, fmt.Errorf("%q and %q both name the same side: call the columns truth and predicted", first, second)
		}
	}
	return slices.Contains(predictedNames, first) && slices.Contains(truthNames, second), nil
}

// score parses one field.
func score(text string) (float64, error) {
	if slices.Contains(missing, strings.ToLower(text)) {
		return 0, fmt.Errorf("%q is no score: remove the line or fill it in", text)
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && !finite(v):
		return math.NaN(), fmt.Errorf("%q is not a finite number: remove the line or write its score", text)
	case err == nil && !usable(v):
		return math.NaN(), fmt.Errorf("%q is beyond %v: scale the scores", text, maxScore)
	case err != nil:
		return math.NaN(), fmt.Errorf("%q is not a number: write it %s", text, asIn(text))
	}
	return v, nil
}

// asIn shows how to write a number: the text itself with a point for its comma, if that is one.
func asIn(text string) string {
	if pointed := strings.Replace(text, ",", ".", 1); pointed != text {
		if _, err := strconv.ParseFloat(pointed, 64); err == nil {
			if _, after, _ := strings.Cut(text, ","); len(after) == 3 {
				return "without the comma if it parts thousands, " + strings.Replace(text, ",", "", 1) + ", or with a point, " + pointed
			}
			return "with a point, " + pointed
		}
	}
	return "with a point, as in 54.5"
}

// ParseScore parses a field that must hold a finite number, with an error that says how to write it.
func ParseScore(text string) (float64, error) { return score(strings.TrimSpace(text)) }
