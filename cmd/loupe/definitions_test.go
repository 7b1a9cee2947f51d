package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
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
