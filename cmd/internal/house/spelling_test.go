package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// british matches British spellings of words that this code uses, also inside identifiers.
var british = regexp.MustCompile(`(?i)colour|(normal|quant|standard|initial|optim|organ|recogn|serial|token|penal|memor|minim|maxim)is(e|ed|es|er|ers|ing|ation)\b|behaviour|favour|neighbour|\bcentred?\b|cancelled|licence\b|judgement|artefact|modell(ed|ing)|labell(ed|ing)\b`)

// otherWords are what users type or models were made from, by file. They keep their spelling.
var otherWords = map[string]string{
	"runtime/demo/gen/corpus.go":          "Which colours are used?", // the embedded tokenizer was trained on it
	"runtime/patch_test.go":               "Which colour is the sea?",
	"runtime/trace/interventions_test.go": "colour",
	"cmd/loupe/eval_test.go":              "the colour is warm",
	"cmd/loupe/errors_test.go":            "--colour",
	"cmd/internal/house/spelling_test.go": "",
}

// TestSpellingIsAmerican: a search for one spelling of a name, a comment or a page finds all of it.
func TestSpellingIsAmerican(t *testing.T) {
	top := root(t)
	for _, name := range files(t, ".go", ".md", ".js", ".css", ".html", ".sh") {
		data, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		kept, has := otherWords[name]
		if has && kept == "" {
			continue
		}
		for i, line := range strings.Split(string(data), "\n") {
			if has {
				line = strings.ReplaceAll(line, kept, "")
			}
			if w := british.FindString(line); w != "" {
				t.Errorf("%s:%d: %q is British: the commands, names and pages here have the American spelling", name, i+1, w)
			}
		}
	}
}

// TestBritish: the expression finds what it is for, and leaves words alone that are the same everywhere.
func TestBritish(t *testing.T) {
	for word, found := range map[string]bool{
		"colour": true, "curveColours": true, "normalise": true, "quantised": true, "tokeniser": true, "centred": true, "cancelled": true, "initialisation": true,
		"color": false, "normalize": false, "quantized": false, "promise": false, "precise": false, "noise": false, "centroid": false, "cancellation": false, "otherwise": false,
		"aria-labelledby": false, "license": false,
	} {
		if got := british.MatchString(word); got != found {
			t.Errorf("%q: %v", word, got)
		}
	}
}
