package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// statistics are the keys of eval --json that a report of scores has.
var statistics = []string{"n", "pictures", "pearson", "spearman", "mae", "rmse", "r2", "qwk", "icc", "baseline_mae", "qwk_step"}

// tinySBERT is a sentence encoder of the encoder's own tests.
var tinySBERT = filepath.Join("..", "..", "runtime", "train", "sbert", "testdata", "mean")

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEvalTable: two columns of scores need no model; spreadsheets' ways of writing them give the same.
func TestEvalTable(t *testing.T) {
	want := ok(t, "", "eval", "--json", "--data", write(t, "s.csv", "truth,predicted\n70,64.5\n30,41\n55,52\n90,71\n"))
	report := decode(t, want, statistics...)
	if report["n"].(float64) != 4 || report["mae"].(map[string]any)["value"].(float64) != 9.625 {
		t.Errorf("%s, want n 4 and mae 9.625", want)
	}
	for _, key := range statistics[2 : len(statistics)-1] {
		decode(t, string(encode(t, report[key])), "value", "low", "high", "undefined_resamples?")
	}
	for _, text := range []string{
		"70,64.5\n30,41\n55,52\n90,71", "\ufeff\"truth\";\"predicted\"\r\n\"70\";64.5\r\n30;41\r\n55;52\r\n90;71\r\n", "predicted\ttruth\n64.5\t70\n41\t30\n52\t55\n71\t90\n",
	} {
		if got := ok(t, "", "eval", "--json", "--data", write(t, "s.csv", text)); got != want {
			t.Errorf("%q gives %s, want %s", text, got, want)
		}
	}
	if other := ok(t, "", "eval", "--json", "--seed", "1", "--data", write(t, "s.csv", "70,64.5\n30,41\n55,52\n90,71\n")); other == want {
		t.Error("another seed gives the same intervals")
	}
	plots := filepath.Join(t.TempDir(), "figures")
	table := ok(t, "", "eval", "--plots", plots, "--data", write(t, "s.csv", "5,7\n5,7\n"))
	if !strings.Contains(table, "all true scores are equal") {
		t.Errorf("the table does not say why there is no correlation: %s", table)
	}
	for _, name := range []string{"calibration.png", "residuals.png"} {
		if _, err := os.Stat(filepath.Join(plots, name)); err != nil {
			t.Error(err)
		}
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestEvalTexts: two columns of texts need no model but the sentence encoder.
func TestEvalTexts(t *testing.T) {
	data, out := write(t, "t.csv", "reference,critique\nThe light is bold.,The light is bold.\nthe colour is warm,a dull texture\n"), filepath.Join(t.TempDir(), "l.jsonl")
	text := ok(t, "", "eval", "--json", "--data", data, "--sbert", tinySBERT, "--out", out)
	report := decode(t, text, "critiques", "sbert", "sbert_shuffled")
	decode(t, string(encode(t, report["sbert"])), "value", "low", "high")
	lines, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(lines), "{\"pair\":1,\"cosine\":1}\n{\"pair\":2,\"cosine\":") {
		t.Errorf("lines %s, want the cosine 1 of equal texts first", lines)
	}
}

// TestEvalRecords evaluates painted pictures, one of them damaged, with the embedded model, critiques and all.
func TestEvalRecords(t *testing.T) {
	dir := t.TempDir()
	ok(t, "", "demo", "paint", "--count", "4", "--seed", "2", "--out", dir)
	data, out := filepath.Join(dir, "data.jsonl"), filepath.Join(dir, "lines.jsonl")
	keys := append([]string{"targets"}, statistics...)
	whole := decode(t, ok(t, "", "eval", "--json", "--max-pixels", "3136", "--data", data), keys...)
	text := ok(t, "", "eval", "--json", "--max-pixels", "3136", "--data", data, "--sbert", tinySBERT, "--max-tokens", "4", "--out", out)
	with := decode(t, text, append([]string{"critiques", "sbert", "sbert_shuffled"}, keys...)...)
	if a, b := string(encode(t, whole["pearson"])), string(encode(t, with["pearson"])); a != b {
		t.Errorf("with critiques the scores are others: %s and %s", a, b)
	}
	lines, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(lines)) {
		decode(t, line, "image", "score", "predicted", "targets", "predicted_targets", "critique", "cosine")
	}
	if table := ok(t, "", "eval", "--max-pixels", "3136", "--data", data, "--sbert", tinySBERT, "--max-tokens", "4"); !strings.Contains(table, "SBERT cosine") || !strings.Contains(table, "texture") {
		t.Errorf("the table lacks critiques or targets: %s", table)
	}

	if err := os.Truncate(filepath.Join(dir, "00001.png"), 200); err != nil {
		t.Fatal(err)
	}
	r := start(t, "", "eval", "--json", "--max-pixels", "3136", "--data", data, "--out", out)
	if r.status != 1 || !strings.Contains(r.stderr, "1 of 4 records") || !strings.Contains(r.stderr, "00001.png") {
		t.Errorf("exit %d, %s; want 1 and the picture's name", r.status, r.stderr)
	}
	if report := decode(t, r.stdout, append([]string{"failed"}, keys...)...); report["n"].(float64) != 3 {
		t.Errorf("n is %v, want 3", report["n"])
	}
	if lines, err = os.ReadFile(out); err != nil || strings.Count(string(lines), "\n") != 4 || strings.Count(string(lines), `"error"`) != 1 {
		t.Errorf("lines %s (%v), want 4, one with an error", lines, err)
	}
}

// TestEvalRefuses: what cannot be meant is the command line's fault, what cannot be read the work's.
func TestEvalRefuses(t *testing.T) {
	scores, texts := write(t, "s.csv", "1,2\n3,4\n"), write(t, "t.csv", "reference,critique\na,b\n")
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{2, "--data is missing", nil},
		{2, "--split", []string{"--data", scores, "--split", "test"}},
		{2, "--split", []string{"--data", scores, "--split", "eval"}},
		{2, "--out", []string{"--data", scores, "--out", "x.jsonl"}},
		{2, "--out", []string{"--data", scores, "--critique"}},
		{2, "--max-tokens", []string{"--data", texts, "--sbert", tinySBERT, "--max-tokens", "0"}},
		{1, "reference and critique", []string{"--data", scores, "--sbert", tinySBERT}},
		{1, "column image", []string{"--data", texts}},
		{1, "modules.json", []string{"--data", texts, "--sbert", "none"}},
		{2, "--plots", []string{"--data", texts, "--sbert", tinySBERT, "--plots", t.TempDir()}},
		{2, "--model", []string{"--data", scores, "--model", "m"}},
		{2, "--score-step", []string{"--data", scores, "--score-step", "0"}},
		{2, "--raters", []string{"--data", scores, "--raters", "some"}},
		{2, "--max-tokens", []string{"--data", write(t, "m.csv", "image,score\na.png,5\n"), "--max-tokens", "9"}},
		{1, "no such file", []string{"--data", "none.csv"}},
		{1, "with a point, 70.5", []string{"--data", write(t, "d.csv", "truth;predicted\n70,5;64\n")}},
		{1, "no record has a critique", []string{"--data", write(t, "r.csv", "image,score\na.png,5\n"), "--sbert", tinySBERT}},
		{1, "split eval", []string{"--data", write(t, "r.csv", "image,score\na.png,5\n"), "--split", "eval"}},
	} {
		r := start(t, "", append([]string{"eval"}, c.args...)...)
		if r.status != c.status || !strings.Contains(r.stderr, c.want) || r.stdout != "" {
			t.Errorf("eval %v: exit %d, %q; want %d and %q", c.args, r.status, r.stderr, c.status, c.want)
		}
	}
}
