package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/loupe-vl/loupe/weights/option"
)

// sentence is an error as the page shows it, in the page's words. A run that ended because nobody waits for it has none.
func sentence(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the run was stopped"
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "the run was ended because nobody read its answer"
	}
	text := inPageWords.Replace(strings.Join(strings.Fields(err.Error()), " "))
	return option.Rename(text, pageName)
}

// inPageWords replaces advice that the page has no field for by what it has.
var inPageWords = strings.NewReplacer(
	"shorten the text or lower Options.MaxPixels", "shorten the question, or choose a smaller picture",
	"; Model.Taps lists them", "; the field Tap proposes those that there are",
	"it must be a text, FILE.safetensors#TENSOR", "it must be the name of a direction",
	"; try another attribution.Options.Baseline", "",
	"TraceOptions.Grad: ", "",
)

// requestNames are the keys of a request, by the options that they set.
var requestNames = map[string]string{
	"Generation.MaxTokens":   "max_tokens",
	"Generation.Temperature": "temperature",
	"Generation.Seed":        "seed",
	"Files.System":           "system",
	"Files.Text":             "question",
	"Files.Images":           "picture",
	"TraceOptions.Grad":      "target",
}

// pageName is what a request calls an option; one that no request sets is called by its field alone, in words.
func pageName(field string) (string, bool) {
	if key, known := requestNames[field]; known {
		return key, true
	}
	own := field[strings.LastIndexByte(field, '.')+1:]
	if !strings.Contains(field, "Options.") && !strings.Contains(field, "Generation.") && !strings.Contains(field, "Files.") {
		return "", false
	}
	return strings.ToLower(upper.ReplaceAllString(own, " $1")), true
}

// upper is where a word begins within a field's name.
var upper = regexp.MustCompile(`\B([A-Z][a-z])`)

// strict reads one JSON value and refuses unknown keys. Its errors are in plain words.
func strict(r io.Reader, v any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		want, named := jsonWords[kind.Type.Kind().String()]
		if !named {
			want = "of another kind"
		}
		where, _, _ := strings.Cut(kind.Field, ".")
		if where == "" {
			return fmt.Errorf("the request is a %s; it must be an object", kind.Value)
		}
		return fmt.Errorf("%s is %s; it must be %s", where, kind.Value, want)
	case errors.As(err, &syntax) && strings.Contains(err.Error(), "depth"):
		return errors.New("the request lies too deep in brackets to be one")
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the request is no JSON, or ends early")
	}
	if key, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return fmt.Errorf("the request has a key %s, which is unknown", shorten(key))
	}
	return err // of the connection
}

// jsonWords are the kinds of values in words.
var jsonWords = map[string]string{
	"int": "a whole number", "uint64": "a whole number from 0", "float64": "a number", "string": "a text", "bool": "true or false", "struct": "an object",
}
