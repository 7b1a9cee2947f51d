package train

import (
	"fmt"
	"slices"
	"strings"
)

// Columns say which columns of a table, or keys of JSON, are read, and as what. If any are given, no other column becomes a
// score, a critique or a target. The conversation of a chat layout is always read.
type Columns []Column

// Column is one entry of Columns.
type Column struct {
	Name string // image, score, critique, split, system or prompt; any other is the name of a target
	From string // what the file calls it
}

// parts are the names that are no targets.
var parts = []string{"image", scoreName, "critique", "split", "system", "prompt"}

// ParseColumns reads NAME or NAME=COLUMN, as train.ReadOptions.Columns gives them.
func ParseColumns(items []string) (Columns, error) {
	var out Columns
	for _, item := range items {
		name, from, renamed := strings.Cut(item, "=")
		name, from = strings.TrimSpace(name), strings.TrimSpace(from)
		if !renamed {
			from = name
		}
		if name == "" || from == "" {
			return nil, fmt.Errorf("train.ReadOptions.Columns has %q; give NAME or NAME=COLUMN, as in score=mos,critique=comment,color", item)
		}
		if known := canonical(name); slices.Contains(parts, known) {
			name = known
		}
		for _, c := range out {
			if c.Name == name {
				return nil, fmt.Errorf("train.ReadOptions.Columns says twice what %q is", name)
			}
			if c.From == from {
				return nil, fmt.Errorf("train.ReadOptions.Columns reads %q twice", from)
			}
		}
		out = append(out, Column{name, from})
	}
	return out, nil
}

// String is the list as ParseColumns reads it.
func (c Columns) String() string {
	var items []string
	for _, column := range c {
		if column.Name == column.From {
			items = append(items, column.Name)
		} else {
			items = append(items, column.Name+"="+column.From)
		}
	}
	return strings.Join(items, ",")
}

// of is what a column of a file is read as; "" where it is not named.
func (c Columns) of(from string) string {
	for _, column := range c {
		if column.From == from {
			return column.Name
		}
	}
	return ""
}

// learns reports whether any of the columns is something to learn. If none is, every column is read by its own name.
func (c Columns) learns() bool {
	return slices.ContainsFunc(c, func(column Column) bool {
		return column.Name == scoreName || column.Name == "critique" || !slices.Contains(parts, column.Name)
	})
}

// canonical is the name of a column or key in lower case, without spaces around it, and with _ for - and space.
func canonical(name string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(name)))
}

// columnName is the name by which records know a column. Names of the layout are matched without regard to case; others
// stay as they are.
func columnName(field string) string {
	field = strings.TrimSpace(field)
	known := canonical(field)
	if known == "file_name" { // of an ImageFolder
		return "image"
	}
	if slices.Contains(parts, known) {
		return known
	}
	return field
}

// labels are names of columns that number or name rows. They hold numbers and are no targets.
var labels = []string{"", "#", "id", "idx", "index", "no", "nr", "number", "row", "rater", "annotator", "judge", "worker", "user", "fold"}

// isLabel reports whether a column of that name tells rows apart.
func isLabel(name string) bool {
	name = canonical(name)
	return slices.Contains(labels, name) || strings.HasSuffix(name, "_id") || strings.HasPrefix(name, "unnamed:")
}

// quoted are names for an error.
func quoted(names []string) string {
	var out []string
	for i, name := range names {
		if i == 40 {
			out = append(out, fmt.Sprintf("and %d more", len(names)-i))
			break
		}
		out = append(out, fmt.Sprintf("%.60q", name))
	}
	return strings.Join(out, ", ")
}

// near is the known name that a name is a likely typo of: at most two letters differ, and one in a short name. "": none.
func near(name string, known []string) string {
	name = canonical(name)
	for _, k := range known {
		most := 2
		if min(len(k), len(name)) < 6 {
			most = 1
		}
		if d := distance(name, k, most); d > 0 && d <= most {
			return k
		}
	}
	return ""
}

// distance is the optimal string alignment distance: how many letters must be inserted, deleted, replaced or swapped with
// the next to turn a into b. A distance above most may come out as any number above most.
func distance(a, b string, most int) int {
	if len(a) > len(b)+most || len(b) > len(a)+most {
		return most + 1
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := range rows[i] {
			if i == 0 {
				rows[i][j] = j
			}
		}
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			d := min(rows[i-1][j], rows[i][j-1]) + 1
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			d = min(d, rows[i-1][j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
