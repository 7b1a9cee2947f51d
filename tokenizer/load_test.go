package tokenizer

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// tinyFiles is the committed tokenizer, to be spoiled.
func tinyFiles(t testing.TB) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"} {
		data, err := os.ReadFile("testdata/tiny/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fsys[name] = &fstest.MapFile{Data: data}
	}
	return fsys
}

// edit changes a JSON file of fsys.
func edit(t testing.TB, fsys fstest.MapFS, name string, change func(map[string]any)) {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(fsys[name].Data, &v); err != nil {
		t.Fatal(err)
	}
	change(v)
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	fsys[name] = &fstest.MapFile{Data: data}
}

func sub(v any, path ...string) map[string]any {
	for _, key := range path {
		v = v.(map[string]any)[key]
	}
	return v.(map[string]any)
}

func TestLoadRefuses(t *testing.T) {
	type files = fstest.MapFS
	inJSON := func(change func(map[string]any)) func(testing.TB, files) {
		return func(t testing.TB, f files) { edit(t, f, "tokenizer.json", change) }
	}
	inConfig := func(change func(map[string]any)) func(testing.TB, files) {
		return func(t testing.TB, f files) { edit(t, f, "tokenizer_config.json", change) }
	}
	set := func(key string, value any, path ...string) func(map[string]any) {
		return func(v map[string]any) { sub(v, path...)[key] = value }
	}
	piece := func(i int, key string, value any) func(map[string]any) {
		return func(v map[string]any) {
			sub(v, "pre_tokenizer")["pretokenizers"].([]any)[i].(map[string]any)[key] = value
		}
	}
	text := func(name, data string) func(testing.TB, files) {
		return func(_ testing.TB, f files) { f[name] = &fstest.MapFile{Data: []byte(data)} }
	}
	older := func(name, data string) func(testing.TB, files) {
		return func(_ testing.TB, f files) {
			delete(f, "tokenizer.json")
			f[name] = &fstest.MapFile{Data: []byte(data)}
		}
	}
	tests := []struct {
		name  string
		spoil func(testing.TB, files)
		want  []string
	}{
		{"garbage", text("tokenizer.json", "\xff\xfe{"), []string{"tokenizer.json", "UTF-8", "byte 0"}},
		{"empty", text("tokenizer.json", ""), []string{"tokenizer.json", "JSON"}},
		{"cut off", text("tokenizer.json", `{"model": {"type":`), []string{"tokenizer.json", "JSON", "byte 18"}},
		{"deep", text("tokenizer.json", strings.Repeat("[", 100000)), []string{"tokenizer.json"}},
		{"a list", text("tokenizer.json", "[]"), []string{"tokenizer.json"}},
		{"an empty object", text("tokenizer.json", "{}"), []string{"tokenizer.json", "normalizer"}},
		{"a key of another type", inJSON(set("added_tokens", 5)), []string{"tokenizer.json", "added_tokens"}},
		{"normalizer", inJSON(set("type", "NFKC", "normalizer")), []string{"tokenizer.json", "normalizer"}},
		{"no normalizer", inJSON(set("normalizer", nil)), []string{"normalizer"}},
		{"pre_tokenizer", inJSON(set("type", "Whitespace", "pre_tokenizer")), []string{"pre_tokenizer"}},
		{"another pattern", inJSON(piece(0, "pattern", map[string]any{"Regex": `\p{N}{1,3}`})), []string{"pattern.Regex"}},
		{"inverted", inJSON(piece(0, "invert", true)), []string{"pretokenizers[0]"}},
		{"prefix space", inJSON(piece(1, "add_prefix_space", true)), []string{"pretokenizers[1]"}},
		{"post_processor", inJSON(set("type", "TemplateProcessing", "post_processor")), []string{"post_processor"}},
		{"decoder", inJSON(set("decoder", nil)), []string{"decoder"}},
		{"model type", inJSON(set("type", "Unigram", "model")), []string{"model", "BPE"}},
		{"dropout", inJSON(set("dropout", 0.1, "model")), []string{"model.dropout"}},
		{"unk_token", inJSON(set("unk_token", "<unk>", "model")), []string{"model.unk_token"}},
		{"prefix", inJSON(set("continuing_subword_prefix", "##", "model")), []string{"continuing_subword_prefix"}},
		{"suffix", inJSON(set("end_of_word_suffix", "</w>", "model")), []string{"end_of_word_suffix"}},
		{"byte_fallback", inJSON(set("byte_fallback", true, "model")), []string{"byte_fallback"}},
		{"ignore_merges", inJSON(set("ignore_merges", true, "model")), []string{"ignore_merges"}},
		{"no model", inJSON(set("model", nil)), []string{"model"}},
		{"vocab is a list", inJSON(set("vocab", []any{}, "model")), []string{"model.vocab"}},
		{"no vocab", inJSON(func(v map[string]any) { delete(sub(v, "model"), "vocab") }), []string{"model.vocab"}},
		{"a byte is missing", inJSON(func(v map[string]any) { delete(sub(v, "model", "vocab"), "Ġ") }), []string{"vocab", "0x20"}},
		{"an id that is a string", inJSON(set("a", "x", "model", "vocab")), []string{"vocab", `"a"`}},
		{"an id with a fraction", inJSON(set("a", 1.5, "model", "vocab")), []string{"vocab", `"a"`}},
		{"a negative id", inJSON(set("a", -1, "model", "vocab")), []string{"vocab", "-1"}},
		{"a huge id", inJSON(set("a", 1<<60, "model", "vocab")), []string{"vocab", "ids go"}},
		{"one id twice", inJSON(set("a", 0, "model", "vocab")), []string{"vocab", "id 0"}},
		{"not byte-level", inJSON(set("漢", 900, "model", "vocab")), []string{"vocab", "漢"}},
		{"a merge of strangers", inJSON(set("merges", []any{"x yz"}, "model")), []string{"merges", "entry 0"}},
		{"a merge of three", inJSON(set("merges", []any{"a b c"}, "model")), []string{"merges", "entry 0"}},
		{"a merge twice", inJSON(set("merges", []any{"t h", "t h"}, "model")), []string{"merges", "entry 1", "twice"}},
		{"a merge that is a number", inJSON(set("merges", []any{5}, "model")), []string{"merges", "entry 0"}},
		{"a pair of three", inJSON(set("merges", []any{[]any{"a", "b", "c"}}, "model")), []string{"merges", "entry 0"}},
		{"an added token without id", inJSON(set("added_tokens", []any{map[string]any{"content": "x"}})), []string{"added_tokens[0]", "id"}},
		{"an added token without content", inJSON(set("added_tokens", []any{map[string]any{"id": 900}})), []string{"added_tokens[0]", "content"}},
		{"an added token that the config does not list", inJSON(set("added_tokens", []any{map[string]any{"id": 900, "content": "<zz>"}})), []string{"tokenizer.json", `"<zz>"`, "added_tokens_decoder"}},
		{"config: garbage", text("tokenizer_config.json", "{"), []string{"tokenizer_config.json", "JSON"}},
		{"config: an id of another", inConfig(set("content", "<other>", "added_tokens_decoder", "316")), []string{"tokenizer_config.json", "316", "disagree"}},
		{"config: another id", inConfig(set("content", "<|im_end|>", "added_tokens_decoder", "321")), []string{"tokenizer_config.json", "<|im_end|>", "disagree"}},
		{"config: an id that is no number", inConfig(set("x", map[string]any{}, "added_tokens_decoder")), []string{"added_tokens_decoder", `"x"`}},
		{"config: a huge id", inConfig(set("99999999999", map[string]any{"content": "y"}, "added_tokens_decoder")), []string{"added_tokens_decoder", "ids go"}},
		{"config: another class", inConfig(set("tokenizer_class", "LlamaTokenizer")), []string{"tokenizer_config.json", "LlamaTokenizer"}},
		{"config: prefix space", inConfig(set("add_prefix_space", true)), []string{"add_prefix_space"}},
		{"older: vocab", older("vocab.json", `{"a": }`), []string{"vocab.json", "byte 7"}},
		{"older: merges", older("merges.txt", "#version: 0.2\nt h\nth\n"), []string{"merges.txt", "line 3"}},
		{"older: no merges", func(_ testing.TB, f files) {
			delete(f, "tokenizer.json")
			delete(f, "merges.txt")
		}, []string{"merges.txt"}},
		{"nothing", func(_ testing.TB, f files) { clear(f) }, []string{"tokenizer.json", "vocab.json"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := tinyFiles(t)
			test.spoil(t, fsys)
			_, err := LoadFS(fsys)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if len(err.Error()) > 400 || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is no short sentence: %q", err)
			}
		})
	}
	if _, err := Load("testdata/nowhere"); err == nil || !strings.Contains(err.Error(), "testdata/nowhere") {
		t.Errorf("Load of a missing directory: %v", err)
	}
}

// The files may be laid out in each of the ways that are in use.
func TestLoadAccepts(t *testing.T) {
	tests := map[string]func(fsys fstest.MapFS){
		"as it is": func(fstest.MapFS) {},
		"merges as pairs": func(fsys fstest.MapFS) {
			edit(t, fsys, "tokenizer.json", func(v map[string]any) {
				var pairs []any
				for _, m := range sub(v, "model")["merges"].([]any) {
					left, right, _ := strings.Cut(m.(string), " ")
					pairs = append(pairs, []any{left, right})
				}
				sub(v, "model")["merges"] = pairs
			})
		},
		"vocab.json and merges.txt": func(fsys fstest.MapFS) { delete(fsys, "tokenizer.json") },
		"merges.txt without version, with CRLF": func(fsys fstest.MapFS) {
			delete(fsys, "tokenizer.json")
			_, merges, _ := strings.Cut(string(fsys["merges.txt"].Data), "\n")
			fsys["merges.txt"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(merges, "\n", "\r\n"))}
		},
		"escaped keys": func(fsys fstest.MapFS) {
			var out strings.Builder
			for _, r := range string(fsys["tokenizer.json"].Data) {
				if r < 0x80 {
					out.WriteRune(r)
				} else {
					const digits = "0123456789abcdef"
					out.WriteString(`\u` + string([]byte{digits[r>>12], digits[r>>8&15], digits[r>>4&15], digits[r&15]}))
				}
			}
			fsys["tokenizer.json"] = &fstest.MapFile{Data: []byte(out.String())}
		},
	}
	want := tiny(t)
	text := "The loupe is the glass that an appraiser looks through <|im_end|><|image_pad|>漢字\n\n"
	ids, err := want.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range tests {
		fsys := tinyFiles(t)
		change(fsys)
		tok, err := LoadFS(fsys)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkIDs(t, tok, text, ids)
		if tok.VocabSize() != want.VocabSize() {
			t.Errorf("%s: VocabSize %d, want %d", name, tok.VocabSize(), want.VocabSize())
		}
	}
}

func FuzzTokenizerJSON(f *testing.F) {
	fsys := tinyFiles(f)
	f.Add(fsys["tokenizer.json"].Data)
	for _, s := range []string{"", "{}", "\xff\xfe{", `{"model": {"vocab": {"a": 1e9}, "merges": [["a"]]}}`, `{"model": {"type": "BPE", "vocab": {"\ud800": 0}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := LoadFS(fstest.MapFS{"tokenizer.json": {Data: data}})
		if err != nil {
			return
		}
		const text = "The loupe, <|im_end|> 漢"
		ids, err := tok.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := tok.Decode(ids); err != nil || string(back) != text {
			t.Fatalf("round trip gives %q, %v", back, err)
		}
	})
}

// FuzzVocabAndMerges reads the scanners directly, past the checks of the rest.
func FuzzVocabAndMerges(f *testing.F) {
	f.Add(`{"a": 1, "\"": 2}`)
	f.Add(`["a b", ["a", "b"]]`)
	f.Add(`[[1], {"a": [}]`)
	f.Fuzz(func(t *testing.T, s string) {
		if json.Valid([]byte(s)) {
			_, _ = parseVocab([]byte(s))
			_, _ = parseMerges([]byte(s))
		}
		_, _ = parseMergesText(s)
	})
}
