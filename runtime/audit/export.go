package audit

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
)

// ExportJSON writes the statement of every entry, a line each.
func (a *Archive) ExportJSON(ctx context.Context, w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return a.Records(ctx, func(r *Record) error { return out.Encode(r.Statement) })
}

// exportHead are the columns of ExportCSV.
var exportHead = []string{"entry", "logged", "kind", "command", "model", "model_weights", "adapter", "head", "precision", "target", "value", "clamped", "bits", "tokens", "finish", "of_entry", "by", "why"}

// ExportCSV writes a table: a row for each target of each decision, one for a decision without scores, one for each review and
// redaction.
func (a *Archive) ExportCSV(ctx context.Context, w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(exportHead); err != nil {
		return err
	}
	err := a.Records(ctx, func(r *Record) error {
		for _, row := range r.rows() {
			line := make([]string, len(exportHead))
			for i, name := range exportHead {
				line[i] = row[name]
			}
			if err := out.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

// rows are the cells of an entry's rows, by column.
func (r *Record) rows() []map[string]string {
	base := func() map[string]string {
		return map[string]string{"entry": strconv.FormatInt(r.Sequence, 10), "logged": r.Logged, "kind": r.Kind()}
	}
	row := base()
	switch {
	case r.Decision != nil:
		return r.Decision.rows(base)
	case r.Review != nil:
		v := r.Review
		row["of_entry"], row["by"], row["why"], row["target"] = strconv.FormatInt(v.Entry, 10), v.By, v.Why, v.Target
		if v.Score != nil {
			row["value"], row["bits"] = v.Score.Decimal, v.Score.Bits
		}
	case r.Redaction != nil:
		row["by"], row["why"] = r.Redaction.By, r.Redaction.Why
	case r.KeyChange != nil:
		row["why"] = r.KeyChange.Why
	}
	return []map[string]string{row}
}

func (d *Decision) rows(base func() map[string]string) []map[string]string {
	fill := func() map[string]string {
		row := base()
		row["command"], row["model"], row["model_weights"], row["precision"] = d.Command, d.Model.Name, string(d.Model.Weights), d.Arithmetic.String()
		row["tokens"], row["finish"] = strconv.Itoa(d.Tokens), d.Finish
		if d.Adapter != nil {
			row["adapter"] = d.Adapter.Name
		}
		if d.Head != nil {
			row["head"] = d.Head.Name
		}
		return row
	}
	if len(d.Scores) == 0 {
		return []map[string]string{fill()}
	}
	var out []map[string]string
	for _, s := range d.Scores {
		row := fill()
		row["target"], row["value"], row["clamped"], row["bits"] = s.Name, s.Value.Decimal, s.Clamped.Decimal, s.Output.Bits
		out = append(out, row)
	}
	return out
}
