package train

import (
	"fmt"
	"slices"
	"strings"
)

// messageKey is what a key inside a message is called.
const messageKey = "key of a message"

// extra is a column or key that is found and not read.
type extra struct {
	what, name string // "column", "key" or messageKey
	kind       string // of what it holds
	line       int    // the first that has it
	count      int
}

// leave notes that a line has a column or key that is not read.
func (r *reader) leave(what, name, kind string, line int) {
	for _, e := range r.extras {
		if e.what == what && e.name == name {
			e.count++
			return
		}
	}
	r.extras = append(r.extras, &extra{what, name, kind, line, 1})
}

// notes say what was found and not read.
func (r *reader) notes() []string {
	var out []string
	for _, e := range r.extras {
		what := fmt.Sprintf("%s: the %s %.60q is not learned from; it holds %s, first in %s %d", r.path, e.what, e.name, e.kind, r.unit, e.line)
		if e.count > 1 {
			what += fmt.Sprintf(", in %d records", e.count)
		}
		switch {
		case e.what == messageKey:
		case e.kind == textKind:
			what += fmt.Sprintf("; train.ReadOptions.Columns critique=%s reads it as the critique", e.name)
		case e.kind == numberKind:
			what += fmt.Sprintf("; train.ReadOptions.Columns score=%s reads it as the score, %s as a target", e.name, e.name)
		}
		out = append(out, what)
	}
	if n := r.answers; n.count > 0 {
		out = append(out, fmt.Sprintf("%s: %s, the first in %s %d, with several answers: the last is learned, those before it are read as they are", r.path, counted(n.count, "record"), r.unit, n.line))
	}
	if n := r.pictureless; n.count > 0 {
		out = append(out, fmt.Sprintf("%s: %s, the first in %s %d, without a picture: the answers are learned as text alone", r.path, counted(n.count, "record"), r.unit, n.line))
	}
	return out
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// counter counts the lines that one note is about.
type counter struct{ line, count int }

func (c *counter) add(line int) {
	if c.count++; c.line == 0 {
		c.line = line
	}
}

// name notes a name of a column or key, for the error of a column that is not there.
func (r *reader) name(name string) {
	if name != "" && !slices.Contains(r.names, name) && len(r.names) < 100 {
		r.names = append(r.names, name)
	}
}

// role is what a column or key is read as: a field of Record, a target, or "" for neither. chosen: ReadOptions.Columns says so.
func (r *reader) role(name string) (role string, chosen bool) {
	r.name(name)
	if role = r.options.Columns.of(strings.TrimSpace(name)); role != "" {
		r.found[strings.TrimSpace(name)] = true
		return role, true
	}
	role = columnName(name)
	if !slices.Contains(parts, role) {
		return "", false
	}
	for _, c := range r.options.Columns {
		if c.Name == role {
			return "", false // another column is
		}
	}
	if r.options.Columns.learns() && (role == scoreName || role == "critique") {
		return "", false
	}
	return role, false
}
