package disk

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strings"
)

var invalidCharacter = regexp.MustCompile(`^invalid character (.*?) (after|looking for|in) (.*)$`)

// JSONWords rewords an error of encoding/json in plain words, without Go's types. Any other error is returned as it is.
func JSONWords(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.HasSuffix(err.Error(), "unexpected end of JSON input"):
		return "it ends too early: a bracket, brace or quote is not closed"
	case errors.As(err, &kind):
		return "there is a " + kind.Value + " where " + formOf(kind.Type) + " is due"
	case errors.As(err, &syntax):
		return syntaxWords(syntax.Error())
	}
	return err.Error()
}

// syntaxWords turns what encoding/json says about a character into what was expected.
func syntaxWords(text string) string {
	m := invalidCharacter.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	what := map[string]string{
		"beginning of value":               "where a value must begin",
		"beginning of object key string":   "where a key in quotes is due",
		"object key":                       "where a colon is due",
		"object key:value pair":            "where a comma or } is due",
		"array element":                    "where a comma or ] is due",
		"top-level value":                  "after the end of what it holds",
		"string literal":                   "within a text, where it must be written as an escape such as \\n",
		"string escape code":               "after a backslash; in JSON a backslash is written twice",
		"\\u hexadecimal character escape": "in \\u, which takes four hexadecimal digits",
	}[m[3]]
	switch {
	case what != "":
		return m[1] + " stands " + what
	case strings.HasPrefix(m[3], "literal "):
		return m[1] + " stands in a word that is none of true, false and null"
	}
	return m[1] + " stands in a number where a digit is due"
}

// formOf is what a Go type is in JSON.
func formOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Pointer:
		return formOf(t.Elem())
	}
	return "a whole number"
}
