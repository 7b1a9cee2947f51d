package disk

import (
	"strings"
	"testing"
)

// TestNotItself: what lies in a file's place is named.
func TestNotItself(t *testing.T) {
	for data, want := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 988097824\n": "git lfs pull",
		"<!doctype html>\n<html>":  "web page",
		"  <HTML lang=\"en\">":     "web page",
		`{"a": 1}`:                 "",
		"":                         "",
		"\x10\x00\x00\x00\x00\x00": "",
	} {
		if got := NotItself([]byte(data)); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%.20q: %q, want %q", data, got, want)
		}
	}
}
