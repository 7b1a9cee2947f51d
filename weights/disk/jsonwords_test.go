package disk

import (
	"encoding/json"
	"regexp"
	"testing"
)

// TestJSONWords: what is wrong with JSON is said without Go's words.
func TestJSONWords(t *testing.T) {
	var into struct {
		A string             `json:"a"`
		B []int              `json:"b"`
		C map[string]float64 `json:"c"`
		D bool               `json:"d"`
		E *int               `json:"e"`
	}
	for text, want := range map[string]string{
		``: "it ends too early", `{`: "it ends too early", `{"a": "x`: "it ends too early",
		`x`: "'x' stands where a value must begin", `{x`: "'x' stands where a key in quotes is due", `{"a" 1}`: "'1' stands where a colon is due",
		`{"b": [1 2]}`: "'2' stands where a comma or ] is due", `{"a": "x" "b": 1}`: "'\"' stands where a comma or } is due", `{} x`: "'x' stands after the end",
		`{"a": "\q"}`: "'q' stands after a backslash", "{\"a\": \"\n\"}": "stands within a text", `{"d": trux}`: "in a word that is none of true, false and null", `{"b": [1.]}`: "in a number where a digit is due",
		`{"a": 1}`: "there is a number where a text is due", `{"b": "x"}`: "there is a string where a list is due", `{"c": []}`: "there is a array where an object is due",
		`{"d": 1}`: "where true or false is due", `{"e": "x"}`: "where a whole number is due", `{"b": [1.5]}`: "where a whole number is due", `{"c": {"x": "y"}}`: "where a number is due",
		`{"a": "\u12g4"}`: "four hexadecimal digits",
	} {
		err := json.Unmarshal([]byte(text), &into)
		if err == nil {
			t.Fatalf("%s is taken", text)
		}
		got := JSONWords(err)
		if !regexp.MustCompile(regexp.QuoteMeta(want)).MatchString(got) || regexp.MustCompile(`json|Go |struct|\[\]|invalid character|literal`).MatchString(got) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
