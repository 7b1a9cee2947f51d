package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/runtime/train/metrics"
)

// nothing are words that other programs write for a missing value, in lower case.
var nothing = []string{"", "na", "n/a", "nan", "null", "none", "<na>", "#n/a", "nil", "-", "?"}

// absent reports whether a field holds white space alone, or a word that stands for no value.
func absent(text string) bool {
	return slices.Contains(nothing, strings.ToLower(strings.TrimSpace(text)))
}

// tableNumber reads a field of a table; ok is false where it stands for no value.
func tableNumber(text string) (v float64, ok bool, err error) {
	if absent(text) {
		return 0, false, nil
	}
	v, err = metrics.ParseScore(text)
	return v, err == nil, err
}

// jsonNumber reads a number, or a string that holds one; ok is false where it stands for no value.
func jsonNumber(raw json.RawMessage) (v float64, ok bool, err error) {
	switch kindOf(raw) {
	case nullKind:
		return 0, false, nil
	case textKind:
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return 0, false, err
		}
		return tableNumber(s)
	case numberKind:
		return tableNumber(string(raw))
	}
	return 0, false, fmt.Errorf("is %.60s; give one number", raw)
}

// The kinds of JSON values, as errors name them.
const (
	nullKind   = "null"
	textKind   = "text"
	numberKind = "a number"
	boolKind   = "true or false"
	listKind   = "a list"
	objectKind = "an object"
)

// kindOf is what a value of valid JSON is.
func kindOf(raw json.RawMessage) string {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nullKind
	case raw[0] == '"':
		return textKind
	case raw[0] == '[':
		return listKind
	case raw[0] == '{':
		return objectKind
	case raw[0] == 't' || raw[0] == 'f':
		return boolKind
	}
	return numberKind
}

// textOf reads a string; null is none.
func textOf(raw json.RawMessage) (s string, err error) {
	switch kindOf(raw) {
	case nullKind:
		return "", nil
	case textKind:
		return s, json.Unmarshal(raw, &s)
	}
	return "", fmt.Errorf("is %.60s, which is %s; give a text", raw, kindOf(raw))
}

// listOf are the elements of a list; null has none, and any other value is the one element.
func listOf(raw json.RawMessage) (out []json.RawMessage) {
	switch kindOf(raw) {
	case nullKind:
		return nil
	case listKind:
		_ = json.Unmarshal(raw, &out) // it is valid
		return out
	}
	return []json.RawMessage{raw}
}

// plainNaN turns each NaN outside strings, which is how Python's json writes a missing number, into null. It turns each
// infinity into a string, which is then refused where it stands.
func plainNaN(text []byte) []byte {
	var out []byte
	from, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted || c != 'N' && c != 'I' && c != '-':
		default:
			for word, plain := range map[string]string{"NaN": "null", "Infinity": `"Infinity"`, "-Infinity": `"-Infinity"`} {
				if bytes.HasPrefix(text[i:], []byte(word)) {
					out = append(append(out, text[from:i]...), plain...)
					from = i + len(word)
					i = from - 1
					break
				}
			}
		}
	}
	if from == 0 {
		return text
	}
	return append(out, text[from:]...)
}
