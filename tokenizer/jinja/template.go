package jinja

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Template is a template that has been read. It is safe for concurrent use.
type Template struct {
	body  []stmt
	words map[string]bool
}

// Options are what one rendering may use. The zero value is ready for use.
type Options struct {
	Limit time.Duration    // of the rendering; 0: ten seconds
	Now   func() time.Time // of strftime_now; nil: the clock, in local time
}

// Parse reads a template. The error names the line, and what is not supported.
func Parse(source string) (*Template, error) {
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	body, _, err := p.body()
	if err != nil {
		return nil, err
	}
	t := &Template{body, map[string]bool{}}
	for _, x := range tokens {
		if x.kind == name || x.kind == text {
			t.words[x.text] = true
		}
	}
	return t, nil
}

// Mentions reports whether a name, or a string that is exactly this, stands in the template.
func (t *Template) Mentions(word string) bool { return t.words[word] }

// Render runs the template. vars are what it can name; the values are nil, bool, int64, float64, string, *List and *Dict.
func (t *Template) Render(vars map[string]any, o Options) (string, error) {
	if o.Limit == 0 {
		o.Limit = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	var out strings.Builder
	root := &scope{vars: vars}
	f := &frame{&state{options: o, began: time.Now()}, &scope{map[string]any{}, root}, &out}
	if err := f.run(t.body); err != nil {
		var r refusal
		if errors.As(err, &r) {
			return "", r
		}
		return "", err
	}
	return out.String(), nil
}

// refusal is what raise_exception says.
type refusal struct{ text string }

func (r refusal) Error() string { return "the template refuses the messages: " + r.text }

// lined is an error that knows its line.
type lined struct {
	line int
	err  error
}

func (l lined) Error() string { return fmt.Sprintf("line %d: %v", l.line, l.err) }
func (l lined) Unwrap() error { return l.err }

// at tells the line of an error, if it is not known yet.
func at(line int, err error) error {
	var l lined
	if err == nil || errors.As(err, &l) || errors.Is(err, errBreak) || errors.Is(err, errContinue) {
		return err
	}
	return lined{line, err}
}

// wrap says what was being done, unless the error says so already.
func wrap(what string, err error) error {
	var l lined
	var r refusal
	if errors.As(err, &l) || errors.As(err, &r) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
