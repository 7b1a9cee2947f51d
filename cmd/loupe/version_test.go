package main

import (
	"strings"
	"testing"
)

// TestVersion: --version and version say which program this is, version also how it computes.
func TestVersion(t *testing.T) {
	if out := ok(t, "", "--version"); !strings.HasPrefix(out, "loupe version ") || !strings.Contains(out, "go1.") {
		t.Errorf("--version prints %q", out)
	}
	if out := ok(t, "", "version"); !strings.Contains(out, "arithmetic 1") || !strings.Contains(out, "kernels ") {
		t.Errorf("version prints %q", out)
	}
	decode(t, ok(t, "", "version", "--json"), "version", "revision?", "modified?", "go", "os", "arch", "arithmetic", "kernels", "cuda?")
}

// TestEmbeddedPictureIsShown: without a picture and a model of the user's, what looks into a run shows the picture that is part of the
// program, as score does, and says so; a model of the user's is shown nothing that was not given.
func TestEmbeddedPictureIsShown(t *testing.T) {
	for _, args := range [][]string{
		{"generate", "--max-tokens", "1"}, {"generate", "--max-tokens", "1", "What is this?"}, {"trace", "--list"}, {"lens"}, {"attend", "--json"},
	} {
		r := start(t, "", args...)
		if r.status != 0 || !strings.Contains(r.stderr, "part of the program is shown") {
			t.Errorf("loupe %v: exit %d: %s", args, r.status, r.stderr)
		}
	}
	if out := ok(t, "", "trace", "--list"); !strings.Contains(out, "pixel_values ") {
		t.Errorf("trace --list shows no picture: %s", out)
	}
	if r := start(t, "", "trace", "--list", "--model", golden+"/model", "hi"); strings.Contains(r.stdout, "pixel_values") || strings.Contains(r.stderr, "part of the program is shown") {
		t.Errorf("a model of the user's: %s%s", r.stdout, r.stderr)
	}
}

// TestSuggestions: a command or flag that is nearly one gets a line that names it.
func TestSuggestions(t *testing.T) {
	for hint, args := range map[string][]string{"did you mean `loupe train`?": {"traain"}, "did you mean --image?": {"generate", "--imge", "x"}} {
		r := start(t, "", args...)
		if lines := strings.Split(strings.TrimSpace(r.stderr), "\n"); r.status != exitUsage || len(lines) != 2 || lines[1] != hint {
			t.Errorf("loupe %v: exit %d: %q", args, r.status, r.stderr)
		}
	}
	if r := start(t, "", "zzzzzz"); strings.Contains(r.stderr, "did you mean") {
		t.Errorf("%q", r.stderr)
	}
}

// TestAgainstAnotherPicture: --against-image alone patches between two pictures.
func TestAgainstAnotherPicture(t *testing.T) {
	out := ok(t, "", "trace", "--image", wave, "--against-image", "embedded:", "--max-pixels", "12544", "--answers", "12,15", "--json", "What is this?")
	if !strings.Contains(out, `"restored"`) {
		t.Errorf("%s", out)
	}
}
