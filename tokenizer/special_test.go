package tokenizer

import (
	"encoding/json"
	"testing"
	"testing/fstest"
)

// TestSpecials: whichever way the files say it, the ids are those of transformers (testdata/specials.py).
func TestSpecials(t *testing.T) {
	var cases map[string]struct {
		Files map[string]json.RawMessage
		Text  string
		IDs   []int
	}
	readJSON(t, "testdata/specials.json", &cases)
	for name, c := range cases {
		fsys := tinyFiles(t)
		for file, data := range c.Files {
			switch {
			case string(data) == "null":
				delete(fsys, file)
			case file == "tokenizer.json":
				edit(t, fsys, file, func(v map[string]any) {
					if err := json.Unmarshal(data, &v); err != nil {
						t.Fatal(err)
					}
				})
			default:
				fsys[file] = &fstest.MapFile{Data: data}
			}
		}
		t.Run(name, func(t *testing.T) {
			tok, err := LoadFS(fsys)
			if err != nil {
				t.Fatal(err)
			}
			checkIDs(t, tok, c.Text, c.IDs)
		})
	}
}

// TestNamed: a token of the model's own has the name that tokenizer_config.json gives it.
func TestNamed(t *testing.T) {
	fsys := tinyFiles(t)
	edit(t, fsys, "tokenizer_config.json", func(v map[string]any) {
		v["image_token"], v["extra_special_tokens"] = "<|image_pad|>", map[string]any{"video_token": map[string]any{"content": "<|video_pad|>"}}
	})
	tok, err := LoadFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"image_token": "<|image_pad|>", "video_token": "<|video_pad|>", "eos_token": "none"} {
		if got := tok.Named(name, "none"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, spoil := range []any{5, []any{3}} {
		edit(t, fsys, "tokenizer_config.json", func(v map[string]any) { v["extra_special_tokens"] = spoil })
		if _, err := LoadFS(fsys); err == nil {
			t.Errorf("extra_special_tokens %v: no error", spoil)
		}
	}
}

// FuzzTokenizerConfig: any tokenizer_config.json gives a tokenizer or an error, and places of templates likewise.
func FuzzTokenizerConfig(f *testing.F) {
	f.Add([]byte(`{"extra_special_tokens": ["<a>", {"content": "<b>"}], "image_token": "<i>", "chat_template": {"default": "x"}}`))
	f.Add([]byte(`{"added_tokens_decoder": {"9": {"content": "x"}}, "additional_special_tokens": [3], "chat_template": [{"name": "default"}]}`))
	f.Add([]byte(`{"extra_special_tokens": {"image_token": null}, "bos_token": {"content": ""}, "eos_token": 7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := tinyFiles(t)
		fsys["tokenizer_config.json"], fsys["chat_template.json"], fsys["processor_config.json"] = &fstest.MapFile{Data: data}, &fstest.MapFile{Data: data}, &fstest.MapFile{Data: data}
		if tok, err := LoadFS(fsys); err == nil {
			if _, err := tok.Encode("the <a> light"); err != nil {
				t.Error(err)
			}
		}
		_, _ = LoadChatTemplateFS(fsys)
	})
}
