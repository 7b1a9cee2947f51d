package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// modelWith is the golden model with other files: of those named, the text takes the place of the file's, and "" removes it.
func modelWith(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(golden, "model"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestGenerationConfig: what generation_config.json asks of every answer is done and said, or refused where text is
// generated and nowhere else.
func TestGenerationConfig(t *testing.T) {
	ask := func(dir string, more ...string) result {
		return start(t, "", append([]string{"generate", "--model", dir, "--json", "--max-tokens", "6", "Describe."}, more...)...)
	}
	tokens := func(r result) string {
		t.Helper()
		if r.status != 0 {
			t.Fatalf("exit %d: %s", r.status, r.stderr)
		}
		_, after, _ := strings.Cut(r.stdout, `"tokens":`)
		list, _, _ := strings.Cut(after, "]")
		return list
	}
	published := filepath.Join(golden, "model")
	plain, penalized := tokens(ask(published)), tokens(ask(published, "--repetition-penalty", "1.3"))
	if plain == penalized {
		t.Fatal("the penalty changes nothing here")
	}
	with := func(text string) string { return modelWith(t, map[string]string{"generation_config.json": text}) }

	repetitive := with(`{"eos_token_id": [553], "repetition_penalty": 1.3, "min_p": 0.05, "do_sample": true, "typical_p": 0.9}`)
	r := ask(repetitive)
	if got := tokens(r); got != penalized || !strings.Contains(r.stderr, "repetition penalty 1.3") {
		t.Errorf("tokens %s, want %s; it says %s", got, penalized, r.stderr)
	}
	if got := tokens(ask(repetitive, "--repetition-penalty", "1")); got != plain {
		t.Errorf("the flag does not replace the file's penalty: %s, want %s", got, plain)
	}
	if r := ask(repetitive, "--temperature", "1"); !strings.Contains(r.stderr, "min_p 0.05") || r.status != 0 {
		t.Errorf("the settings that are passed over are not told: %s", r.stderr)
	}

	beams := with(`{"num_beams": 4}`)
	if r := ask(beams); r.status != 1 || !strings.Contains(r.stderr, "num_beams") || !strings.Contains(r.stderr, "generation_config.json") {
		t.Errorf("exit %d: %s", r.status, r.stderr)
	}
	ok(t, "", "inspect", beams)
	ok(t, "", "trace", "--model", beams, "--tap", "lm_head", "--steps", "1", "--out", filepath.Join(t.TempDir(), "o.npz"), "x")

	// transformers: a file without an end token has none, and config.json's is not looked at; without the file, it is.
	third := strings.Split(strings.Trim(plain, "["), ",")[2]
	config, err := os.ReadFile(filepath.Join(published, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	ends := strings.Replace(string(config), `"eos_token_id": 553`, `"eos_token_id": `+third, 1)
	if ends == string(config) {
		t.Fatal("config.json has another end token than 553")
	}
	r = ask(modelWith(t, map[string]string{"config.json": ends, "generation_config.json": "{}"}))
	if got := tokens(r); got != plain || !strings.Contains(r.stderr, "no eos_token_id") {
		t.Errorf("without an end token: %s, want %s; it says %s", got, plain, r.stderr)
	}
	r = ask(modelWith(t, map[string]string{"config.json": ends, "generation_config.json": ""}))
	if got := tokens(r); len(got) >= len(plain) || !strings.HasPrefix(plain, got) || !strings.HasSuffix(got, third) {
		t.Errorf("the end token of config.json is %s, and without a file the answer is %s", third, got)
	}
}

// TestDecodingFlags has the command lines that cannot be meant.
func TestDecodingFlags(t *testing.T) {
	for _, c := range []struct{ flags, want string }{
		{"--max-tokens 0", "--max-tokens"}, {"--repetition-penalty 0", "--repetition-penalty"}, {"--repetition-penalty -1", "--repetition-penalty"},
		{"--repetition-penalty nan", "--repetition-penalty"}, {"--repetition-penalty inf", "--repetition-penalty"}, {"--repetition-penalty 1e-30", "--repetition-penalty"},
		{"--temperature nan", "--temperature"}, {"--temperature inf", "--temperature"}, {"--temperature 1 --top-p nan", "--top-p"}, {"--temperature 1 --top-p -0.1", "--top-p"},
		{"--temperature 1 --min-p 1.1", "--min-p"}, {"--temperature 1 --min-p nan", "--min-p"}, {"--temperature 1 --top-k -1", "--top-k"},
		{"--seed abc", `--seed is "abc"; give a whole number`}, {"--top-k 1.5", `--top-k is "1.5"; give a whole number`}, {"--temperature warm", "give a number"},
		{"--top-k 5", "--top-k changes nothing"}, {"--seed 5", "--seed changes nothing"}, {"--stop=", "--stop"},
	} {
		r := start(t, "", append(append([]string{"generate"}, strings.Fields(c.flags)...), "hi")...)
		if r.status != 2 || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr, "strconv") || r.stdout != "" {
			t.Errorf("%s: exit %d, %s%s", c.flags, r.status, r.stdout, r.stderr)
		}
	}
	if r := start(t, "", "score", "--max-tokens", "9"); r.status != 2 || !strings.Contains(r.stderr, "--max-tokens is of the critique") {
		t.Errorf("exit %d: %s", r.status, r.stderr)
	}
	greedy := ok(t, "", "generate", "--max-tokens", "8", "hi")
	for _, flags := range []string{"--temperature 3 --top-p 0", "--temperature 1e9 --top-k 1", "--temperature 1e-46", "--temperature 2 --min-p 1"} {
		if got := ok(t, "", append(append([]string{"generate", "--max-tokens", "8", "--seed", "3"}, strings.Fields(flags)...), "hi")...); got != greedy {
			t.Errorf("%s: %q, want what is likeliest, %q", flags, got, greedy)
		}
	}
}

// TestEmptyPrompt: a conversation that becomes no token is refused.
func TestEmptyPrompt(t *testing.T) {
	dir := modelWith(t, map[string]string{"chat_template.json": "", "chat_template.jinja": "{% for m in messages %}{{ m['content'] }}{% endfor %}"})
	messages := filepath.Join(dir, "m.json")
	if err := os.WriteFile(messages, []byte(`[{"role": "user", "content": ""}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := start(t, "", "generate", "--model", dir, "--messages", messages); r.status != 1 || !strings.Contains(r.stderr, "no tokens") {
		t.Errorf("exit %d: %s", r.status, r.stderr)
	}
}

// TestTemplateOfTheDay: a template may write the time, which is said, and fixed by SOURCE_DATE_EPOCH. One that cannot be run
// fails where a prompt is made, and names what it has.
func TestTemplateOfTheDay(t *testing.T) {
	template := "{% for m in messages %}{{ m.content if m.content is string else m.content[0].text }}{% endfor %}"
	dated := modelWith(t, map[string]string{"chat_template.json": "", "chat_template.jinja": "{% generation %}{{ strftime_now('%d %b %Y') }}{% endgeneration %}" + template})
	r := start(t, "", "generate", "--model", dated, "--max-tokens", "2", "--json", "hi")
	if r.status != 0 || !strings.Contains(r.stderr, "SOURCE_DATE_EPOCH") {
		t.Fatalf("exit %d: %s", r.status, r.stderr)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	r = start(t, "", "generate", "--model", dated, "--max-tokens", "2", "--json", "hi")
	fixed := start(t, "", "generate", "--model", modelWith(t, map[string]string{"chat_template.json": "", "chat_template.jinja": "02 Jan 1970" + template}), "--max-tokens", "2", "--json", "hi")
	if r.status != 0 || r.stdout != fixed.stdout || strings.Contains(r.stderr, "strftime_now") {
		t.Errorf("%s%s, want what the date alone gives: %s", r.stdout, r.stderr, fixed.stdout)
	}
	broken := modelWith(t, map[string]string{"chat_template.json": "", "chat_template.jinja": "{% include 'x' %}" + template})
	ok(t, "", "inspect", broken)
	if r := start(t, "", "generate", "--model", broken, "hi"); r.status != 1 || !strings.Contains(r.stderr, `chat_template.jinja: the chat template cannot be read: line 1: the tag "include" is not supported`) {
		t.Errorf("exit %d: %s", r.status, r.stderr)
	}
}
