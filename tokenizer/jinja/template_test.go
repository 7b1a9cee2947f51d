package jinja

import (
	"encoding/json"
	"maps"
	"os"
	"testing"
)

type rendered struct {
	Template string
	Vars     map[string]json.RawMessage
	Want     *string
	Error    string
}

// values are variables as a template takes them.
func values(t *testing.T, groups ...map[string]json.RawMessage) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, g := range groups {
		for k, raw := range g {
			v, err := FromJSON(raw)
			if err != nil {
				t.Fatal(err)
			}
			out[k] = v
		}
	}
	return out
}

func (c rendered) check(t *testing.T, vars map[string]any) {
	t.Helper()
	template, err := Parse(c.Template)
	got := ""
	if err == nil {
		got, err = template.Render(maps.Clone(vars), Options{})
	}
	switch {
	case c.Want == nil && err == nil:
		t.Errorf("%s\nrenders %q, where transformers fails with %s", c.Template, got, c.Error)
	case c.Want != nil && err != nil:
		t.Errorf("%s\nfails: %v; transformers renders %q", c.Template, err, *c.Want)
	case c.Want != nil && got != *c.Want:
		t.Errorf("%s\nrenders     %q\ntransformers %q", c.Template, got, *c.Want)
	}
}

// TestAsTransformers holds every rendering of testdata/render.py against transformers'. RENDER names another file of them.
func TestAsTransformers(t *testing.T) {
	path := os.Getenv("RENDER")
	if path == "" {
		path = "testdata/render.json"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Vars                map[string]json.RawMessage
		Pieces, Expressions []rendered
		Styles              []struct {
			Name, Template string
			Cases          []rendered
		}
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Pieces) < 90 || len(all.Expressions) < 300 || len(all.Styles) < 7 {
		t.Fatalf("%d pieces, %d expressions, %d styles", len(all.Pieces), len(all.Expressions), len(all.Styles))
	}
	vars := values(t, all.Vars)
	for _, c := range all.Pieces {
		c.check(t, vars)
	}
	for _, c := range all.Expressions {
		c.check(t, vars)
	}
	for _, s := range all.Styles {
		for _, c := range s.Cases {
			c.Template = s.Template
			c.check(t, values(t, all.Vars, c.Vars))
		}
	}
}
