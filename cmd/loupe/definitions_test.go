package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/train"
)

// TestLookingInsideIsDefined: every method, lens and operation has a line in docs/definitions.md, and help points there.
func TestLookingInsideIsDefined(t *testing.T) {
	page := readPage(t, "definitions.md")
	_, section, found := strings.Cut(page, "## Looking inside\n")
	if !found {
		t.Fatal("docs/definitions.md has no section \"Looking inside\"")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var names []string
	for _, m := range attribution.Methods() {
		names = append(names, string(m))
	}
	names = append(names, lensNames()...)
	for op := tensor.Zero; op <= tensor.Mean; op++ {
		names = append(names, op.String())
	}
	for _, b := range attribution.Baselines() {
		if !strings.Contains(section, fmt.Sprintf("`%s`:", b)) {
			t.Errorf("baseline %s is not defined", b)
		}
	}
	for _, name := range names {
		if !strings.Contains(section, "\n| `"+name+"` |") {
			t.Errorf("%s has no line in docs/definitions.md", name)
		}
	}
	for _, term := range []string{"nats", "*Restored*", "*margin*", "remainder", "`unmatched`", "*entropy*", "*rank*", "*elsewhere*", "visual.merger.ln_q", "held fixed"} {
		if !strings.Contains(section, term) {
			t.Errorf("docs/definitions.md does not speak of %s", term)
		}
	}
	for _, command := range []string{"attend", "lens", "trace"} {
		if text := ok(t, "", command, "--help"); !strings.Contains(text, "docs/definitions.md") {
			t.Errorf("%s --help does not point to docs/definitions.md", command)
		}
	}
}

// TestTrainingIsDefined: every number that eval and train write as JSON has a line in docs/definitions.md, found by walking the types
// that they write, and help points there.
func TestTrainingIsDefined(t *testing.T) {
	_, section, found := strings.Cut(readPage(t, "definitions.md"), "## Training and evaluation\n")
	if !found {
		t.Fatal("docs/definitions.md has no section \"Training and evaluation\"")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	plain := []string{ // counts and names that say what they are
		"n", "pictures", "records", "steps", "kept", "step", "critiques", "failed", "notes", "name", "ratings", "after", "best", "target", "targets", "value",
		"reason", "fit", "last", "eval", "raters", "left_out_parts",
	}
	seen := map[reflect.Type]bool{}
	var walk func(of reflect.Type)
	walk = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && name != "-" && !slices.Contains(plain, name) && !strings.Contains(section, "`"+name+"`") {
				t.Errorf("%s (%s of %s) is not defined", name, f.Name, of)
			}
			if name != "-" {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[train.Evaluation]())
	walk(reflect.TypeFor[train.Result]())
	if len(seen) < 8 {
		t.Errorf("only %d types were walked", len(seen))
	}
	for _, command := range []string{"train", "eval"} {
		if text := ok(t, "", command, "--help"); !strings.Contains(text, "docs/definitions.md") {
			t.Errorf("%s --help does not point to docs/definitions.md", command)
		}
	}
}
