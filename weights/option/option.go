package option

import (
	"fmt"
	"regexp"
	"strings"
)

// Error refuses a choice: an option that cannot be meant, that does not go with another, or that is missing.
type Error struct {
	// Field is the option: a struct that the library takes and its field, "Generation.Temperature", with the package before it
	// where that is not loupe, "train.Options.Batch".
	Field string
	// Value is what it was; nil where it was not given.
	Value any
	// Fault says what is wrong; "": that Field is Value.
	Fault string
	// Want says what to give instead. It names other options as Field does.
	Want string
	// Err is the cause, if there is one; it stands in the place of Fault.
	Err error
}

// Error is one sentence: what is wrong, and what to give.
func (e *Error) Error() string {
	said := e.Fault
	switch {
	case e.Err != nil:
		said = fmt.Sprintf("%s: %v", e.Field, e.Err)
	case said != "":
	case e.Value == nil:
		said = e.Field + " is missing"
	default:
		said = fmt.Sprintf("%s is %s", e.Field, shown(e.Value))
	}
	if e.Want != "" {
		said += "; " + e.Want
	}
	return said
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// shown is a value as people write it: a text stands in quotes, and numbers have commas between them.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%.80q", v)
	case []int:
		return Commas(v)
	case []float64:
		return Commas(v)
	}
	return fmt.Sprint(v)
}

// Commas is a list with commas between its elements, as flags take it.
func Commas[T any](list []T) string {
	text := ""
	for i, v := range list {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprint(v)
	}
	return text
}

// name is the form of what may be an option's name in a text, or that of a function that takes one: "loupe.Load".
var name = regexp.MustCompile(`(?:[a-z]+\.)?[A-Z]\w*(?:\.[A-Z]\w*)+|[a-z]+\.[A-Z]\w*`)

// Rename writes the options that a text of the library names as a front end calls them. called gives that name for a field, and
// false for what is none; such words stay as they are, and so does what is part of a longer word or of a path.
func Rename(text string, called func(field string) (string, bool)) string {
	out, from := "", 0
	for _, at := range name.FindAllStringIndex(text, -1) {
		after := strings.TrimLeft(text[at[1]:], ".") // a sentence may end behind the name
		if at[0] > 0 && inWord(text[at[0]-1]) || after != "" && inWord(after[0]) {
			continue
		}
		if said, ok := called(text[at[0]:at[1]]); ok {
			out += text[from:at[0]] + said
			from = at[1]
		}
	}
	return out + text[from:]
}

// inWord reports whether a byte goes on with a word or a path.
func inWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '/' || c == '\\' || c >= 0x80
}
