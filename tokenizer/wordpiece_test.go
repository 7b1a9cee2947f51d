package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func bertTestdata(elem ...string) string {
	return filepath.Join(append([]string{"testdata", "bert"}, elem...)...)
}

// TestWordPieceAsHuggingFace compares ids on texts in many scripts, under four settings of the normalizer.
func TestWordPieceAsHuggingFace(t *testing.T) {
	var all map[string][]vector
	readJSON(t, bertTestdata("vectors.json"), &all)
	for name, vectors := range all {
		t.Run(name, func(t *testing.T) {
			w, err := LoadWordPiece(os.DirFS(bertTestdata(name)))
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range vectors {
				got, err := w.Encode(v.Text, 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(v.IDs, got); d != "" {
					t.Errorf("%+q: %s", v.Text, d)
				}
			}
		})
	}
}

// TestBERTOnEveryCharacter asks each step for every character of Unicode, block by block.
func TestBERTOnEveryCharacter(t *testing.T) {
	var want map[string]map[string]string
	readJSON(t, bertTestdata("unicode.json"), &want)
	steps := map[string]func(string) string{
		"clean":   bertNormalizer{clean: true}.normalize,
		"chinese": bertNormalizer{chinese: true}.normalize,
		"accents": bertNormalizer{accents: true}.normalize,
		"lower":   bertNormalizer{lower: true}.normalize,
		"split":   func(s string) string { return strings.Join(bertWords("a"+s+"b"), "|") },
	}
	if len(want) != len(steps) {
		t.Fatalf("unicode.json holds %d steps, want %d", len(want), len(steps))
	}
	const block = 4096
	for name, f := range steps {
		t.Run(name, func(t *testing.T) {
			for at := 0; at <= utf8.MaxRune; at += block {
				h := sha256.New()
				for c := at; c < at+block; c++ {
					if utf8.ValidRune(rune(c)) {
						fmt.Fprintln(h, f(string(rune(c))))
					}
				}
				if at >= 0xd800 && at+block <= 0xe000 {
					continue // surrogates are no characters
				}
				if got := hex.EncodeToString(h.Sum(nil)[:8]); got != want[name][fmt.Sprintf("%x", at)] {
					t.Errorf("U+%04X to U+%04X: some character comes out otherwise than from Hugging Face", at, at+block-1)
				}
			}
		})
	}
}

// TestVocabTxt: the older file gives the same tokenizer.
func TestVocabTxt(t *testing.T) {
	a, err := LoadWordPiece(os.DirFS(bertTestdata("uncased")))
	if err != nil {
		t.Fatal(err)
	}
	var f bertJSON
	readJSON(t, bertTestdata("uncased", "tokenizer.json"), &f)
	terms, err := f.Model.terms()
	if err != nil {
		t.Fatal(err)
	}
	b, err := LoadWordPiece(fstest.MapFS{
		"vocab.txt":             {Data: []byte(strings.Join(terms, "\r\n") + "\n")},
		"tokenizer_config.json": {Data: []byte(`{"tokenizer_class": "BertTokenizer", "model_max_length": 64, "cls_token": {"content": "[CLS]"}, "added_tokens_decoder": {"4": {"content": "[MASK]"}}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.MaxLength() != 0 || b.MaxLength() != 64 || a.Size() != b.Size() {
		t.Errorf("at most %d and %d tokens of %d and %d, want no limit and 64, of equally many", a.MaxLength(), b.MaxLength(), a.Size(), b.Size())
	}
	var all map[string][]vector
	readJSON(t, bertTestdata("vectors.json"), &all)
	for _, v := range all["uncased"] {
		if got, err := b.Encode(v.Text, 1<<20); err != nil || !cmp.Equal(got, v.IDs) {
			t.Errorf("%+q: %v, %v", v.Text, err, cmp.Diff(v.IDs, got))
		}
	}
}

func TestWordPieceTruncates(t *testing.T) {
	w, err := LoadWordPiece(os.DirFS(bertTestdata("uncased")))
	if err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int][]int{2: {2, 3}, 3: {2, 5, 3}, 5: {2, 5, 6, 7, 3}, 6: {2, 5, 6, 7, 8, 3}, 99: {2, 5, 6, 7, 8, 3}} {
		got, err := w.Encode("a b c d", most)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("at most %d: %s", most, d)
		}
	}
}

// TestLowerFirst: sentence-transformers' do_lower_case before a cased tokenizer keeps accents, special tokens and all.
func TestLowerFirst(t *testing.T) {
	w, err := LoadWordPiece(os.DirFS(bertTestdata("cased")))
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := w.Encode("the paint [MASK] ö", 99)
	w.LowerFirst()
	got, err := w.Encode("THE Paint [MASK] Ö", 99)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(plain, got); d != "" {
		t.Error(d)
	}
}

// TestWordPieceRefuses: what is not BERT's tokenization is an error that names the key.
func TestWordPieceRefuses(t *testing.T) {
	good, err := os.ReadFile(bertTestdata("uncased", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, from, to, config, want string }{
		{"normalizer", `"type":"BertNormalizer"`, `"type":"NFC"`, "", "normalizer is not BERT's"},
		{"splitting", `"type":"BertPreTokenizer"`, `"type":"Whitespace"`, "", "pre_tokenizer"},
		{"model", `"type":"WordPiece"`, `"type":"BPE"`, "", "model is not BERT's"},
		{"prefix", `"continuing_subword_prefix":"##"`, `"continuing_subword_prefix":"@@"`, "", "continuing_subword_prefix"},
		{"long words", `"max_input_chars_per_word":100`, `"max_input_chars_per_word":0`, "", "max_input_chars_per_word"},
		{"template", `"type":"TemplateProcessing"`, `"type":"RobertaProcessing"`, "", "post_processor"},
		{"an id twice", `"a":5`, `"a":6`, "", "id 6"},
		{"an id out of range", `"a":5`, `"a":99999`, "", "id 99999"},
		{"unknown token", `"unk_token":"[UNK]"`, `"unk_token":"<unk>"`, "", "<unk>"},
		{"added token elsewhere", `{"id":0,"content":"[PAD]"`, `{"id":7,"content":"[PAD]"`, "", `has the id of "c"`},
		{"added token that strips", `"lstrip":false`, `"lstrip":true`, "", "lstrip"},
		{"not JSON", `{"version"`, `{"version`, "", "tokenizer.json is not JSON"},
		{"case", "", "", `{"tokenizer_class": "BertTokenizer", "do_lower_case": false}`, "do_lower_case"},
		{"class", "", "", `{"tokenizer_class": "MPNetTokenizer"}`, "MPNetTokenizer"},
		{"never split", "", "", `{"never_split": ["x"]}`, "never_split"},
		{"no basic tokens", "", "", `{"do_basic_tokenize": false}`, "do_basic_tokenize"},
		{"length", "", "", `{"model_max_length": 2}`, "model_max_length"},
		{"added token unknown", "", "", `{"added_tokens_decoder": {"7": {"content": "[NEW]"}}}`, "[NEW]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := string(good)
			if c.from != "" {
				if !strings.Contains(text, c.from) {
					t.Fatalf("tokenizer.json has no %s", c.from)
				}
				text = strings.Replace(text, c.from, c.to, 1)
			}
			files := fstest.MapFS{"tokenizer.json": {Data: []byte(text)}}
			if c.config != "" {
				files["tokenizer_config.json"] = &fstest.MapFile{Data: []byte(c.config)}
			}
			_, err := LoadWordPiece(files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"no vocabulary":        {fstest.MapFS{}, "neither tokenizer.json nor vocab.txt"},
		"not UTF-8":            {fstest.MapFS{"vocab.txt": {Data: []byte("[UNK]\n\xff\n")}}, "not UTF-8"},
		"a line twice":         {fstest.MapFS{"vocab.txt": {Data: []byte("[UNK]\na\na\n")}}, "twice"},
		"no special tokens":    {fstest.MapFS{"vocab.txt": {Data: []byte("[UNK]\na\n")}}, "[SEP]"},
		"a private character":  {fstest.MapFS{"vocab.txt": {Data: []byte("[UNK]\n\U00100001\n")}}, "private"},
		"no unknown token":     {fstest.MapFS{"vocab.txt": {Data: []byte("a\nb\n")}}, "[UNK]"},
		"special token object": {fstest.MapFS{"vocab.txt": {Data: []byte("a\nb\n")}, "tokenizer_config.json": {Data: []byte(`{"unk_token": {"content": "?"}}`)}}, `"?"`},
	} {
		if _, err := LoadWordPiece(c.files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// FuzzWordPiece: any text gives [CLS], ids of the vocabulary and [SEP], within the limit.
func FuzzWordPiece(f *testing.F) {
	var tokenizers []*WordPiece
	for _, name := range []string{"uncased", "raw"} {
		w, err := LoadWordPiece(os.DirFS(bertTestdata(name)))
		if err != nil {
			f.Fatal(err)
		}
		tokenizers = append(tokenizers, w)
	}
	for _, s := range []string{"", "The painting's light.", "[MASK]画か\U00100000", "\xff\xc3", "İ\u0301\u2028", strings.Repeat("か", 101)} {
		f.Add(s, 9)
	}
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = 2 + most&1023
		for _, w := range tokenizers {
			ids, err := w.Encode(text, most)
			if err != nil {
				t.Fatal(err)
			}
			if len(ids) < 2 || len(ids) > most || ids[0] != w.cls || ids[len(ids)-1] != w.sep {
				t.Fatalf("%+q, at most %d: %v", text, most, ids)
			}
			for _, id := range ids {
				if id < 0 || id >= w.Size() {
					t.Fatalf("%+q: id %d of %d", text, id, w.Size())
				}
			}
		}
	})
}

// FuzzLoadWordPiece: no vocabulary file makes loading or encoding panic.
func FuzzLoadWordPiece(f *testing.F) {
	good, err := os.ReadFile(bertTestdata("uncased", "tokenizer.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, []byte(`{"tokenizer_class": "BertTokenizer", "model_max_length": 1e30}`))
	f.Add([]byte(`{"model": {"type": "WordPiece"}}`), []byte(`{"unk_token": {}}`))
	f.Fuzz(func(t *testing.T, file, config []byte) {
		w, err := LoadWordPiece(fstest.MapFS{"tokenizer.json": {Data: file}, "tokenizer_config.json": {Data: config}})
		if err != nil {
			return
		}
		if _, err := w.Encode("The paint [SEP] 画か", 16); err != nil {
			t.Fatal(err)
		}
	})
}
