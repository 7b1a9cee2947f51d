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
)

// sentence makes of an error one that the page shows, in the page's words. A run that was ended because nobody waits for it needs
// none.
func sentence(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the run was stopped"
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "the run was ended because nobody read its answer"
	}
	text := inPageWords.Replace(strings.Join(strings.Fields(err.Error()), " "))
	return flag.ReplaceAllStringFunc(text, func(f string) string { return strings.ReplaceAll(strings.TrimPrefix(f, "--"), "-", " ") })
}

// inPageWords puts advice that is meant for a command line into what the page has for it.
var inPageWords = strings.NewReplacer(
	"shorten the text or lower --max-pixels", "shorten the question, or choose a smaller picture",
	"; `loupe trace --list` prints them", "; the field Tap proposes those that there are",
	"it must be a text, FILE.safetensors#TENSOR", "it must be the name of a direction",
	"; try another --baseline", "",
	"--grad: ", "", "--grad ", "target ",
)

// flag is a flag of the command line in a text.
var flag = regexp.MustCompile(`--[a-z]+(-[a-z]+)*`)

// strict reads one JSON value in which every key is known. Its errors are in words.
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
