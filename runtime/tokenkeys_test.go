package loupe_test

import (
	"encoding/json"
	"testing"
)

// TestEveryKeyOfTheTokenizer: TestEveryKey for tokenizer_config.json, whose keys are those of a structure and not of a table.
func TestEveryKeyOfTheTokenizer(t *testing.T) {
	make := func(t *testing.T) string {
		return broken(t, func(t *testing.T, dir string) {
			remove("chat_template.json")(t, dir) // so that its own template shows
			editJSON("tokenizer_config.json", func(c map[string]any) {
				c["chat_template"] = "{% for m in messages %}{% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}{% else %}<|vision_start|><|{{ p.type }}_pad|><|vision_end|>{% endif %}{% endfor %}{% endfor %}"
			})(t, dir)
		})
	}
	base := everything(make(t))
	try := func(t *testing.T, key, value string) string {
		dir := make(t)
		editJSON("tokenizer_config.json", func(c map[string]any) {
			var v any
			if err := json.Unmarshal([]byte(value), &v); err != nil {
				t.Fatal(err)
			}
			c[key] = v
		})(t, dir)
		return everything(dir)
	}
	for key, value := range map[string]string{
		"added_tokens_decoder": `{"565": {"content": "light", "special": true}}`, "tokenizer_class": `"LlamaTokenizer"`, "add_prefix_space": "true", "split_special_tokens": "true", "chat_template": `"{{ messages[0].role }}"`,
		"extra_special_tokens": `["light"]`, "additional_special_tokens": `[{"content": "light"}]`, "image_token": `"<|box_start|>"`, "video_token": `"<|box_start|>"`,
		"bos_token": `"light"`, "eos_token": `"light"`, "unk_token": `"light"`, "sep_token": `"light"`, "pad_token": `"light"`, "cls_token": `"light"`, "mask_token": `"light"`,
	} {
		if got := try(t, key, value); got == base {
			t.Errorf("%s = %s changes nothing", key, value)
		}
	}
	for key, reason := range map[string]string{
		"model_max_length": "config.json has the context's length", "padding_side": "prompts are not padded", "truncation_side": "prompts are not cut", "max_length": "likewise", "stride": "likewise",
		"pad_to_multiple_of": "prompts are not padded", "pad_token_type_id": "likewise", "truncation_strategy": "prompts are not cut", "clean_up_tokenization_spaces": "tokens are written as they are",
		"errors": "tokens are written as they are", "processor_class": "a label", "name_or_path": "a label", "backend": "what transformers runs", "is_local": "where transformers found it", "legacy": "of other tokenizers",
		"local_files_only": "likewise", "tokenizer_file": "the file of the published name is read", "use_fast": "what transformers runs", "add_bos_token": "Qwen2's tokenizer puts nothing before a text", "auto_map": "where a class of its own would be",
	} {
		if got := try(t, key, `"another"`); reason == "" || got != base {
			t.Errorf("%s is said to change nothing (%s), and gives %s", key, reason, got)
		}
	}
	if got := everything(broken(t, func(t *testing.T, dir string) {
		editJSON("tokenizer.json", func(c map[string]any) {
			c["truncation"] = map[string]any{"max_length": 3, "direction": "Right"}
			c["padding"] = map[string]any{"strategy": map[string]any{"Fixed": 64}}
		})(t, dir)
	})); got != everything(broken(t, func(*testing.T, string) {})) {
		t.Errorf("truncation and padding of tokenizer.json give %s", got)
	}
}
