package sbert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// TestLoadRefuses: each damage to an encoder's directory is an error that names the file and the key, or what to do.
func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct {
		name, encoder, file, from, to string // the file goes away where from is ""
		want                          []string
	}{
		{"no modules.json", "mean", "modules.json", "", "", []string{"modules.json", "sbert.Load"}},
		{"modules.json no list", "mean", "modules.json", "[", "{", []string{"modules.json"}},
		{"a module of another kind", "mean", "modules.json", "normalize.Normalize", "layer_norm.LayerNorm", []string{"module 2", "LayerNorm", "another encoder"}},
		{"own code", "mean", "modules.json", "sentence_transformers.base.modules.normalize.Normalize", "custom.Normalize", []string{"custom.Normalize"}},
		{"a path out of the directory", "mean", "modules.json", `"1_Pooling"`, `"../1_Pooling"`, []string{"path", "folder of the encoder"}},
		{"no config.json", "mean", "config.json", "", "", []string{"config.json"}},
		{"another architecture", "mean", "config.json", `"bert"`, `"mpnet"`, []string{"config.json: model_type", "mpnet", "another encoder"}},
		{"an activation", "mean", "config.json", `"gelu"`, `"gelu_new"`, []string{"hidden_act", "gelu_new", "another encoder"}},
		{"positions", "mean", "config.json", `"hidden_act"`, `"position_embedding_type": "relative_key", "hidden_act"`, []string{"position_embedding_type", "relative_key"}},
		{"heads", "mean", "config.json", `"num_attention_heads": 3`, `"num_attention_heads": 5`, []string{"hidden_size", "5 heads"}},
		{"an unknown key", "mean", "config.json", `"hidden_act"`, `"attention_window": 8, "hidden_act"`, []string{"attention_window"}},
		{"layers", "mean", "config.json", `"num_hidden_layers": 2`, `"num_hidden_layers": 3`, []string{"encoder.layer.2"}},
		{"an extra layer", "mean", "config.json", `"num_hidden_layers": 2`, `"num_hidden_layers": 1`, []string{"encoder.layer.1", "no place"}},
		{"a small vocabulary", "mean", "config.json", `"vocab_size": `, `"vocab_size": 1, "was": `, []string{"vocab_size"}},
		{"no weights", "mean", "model.safetensors", "", "", []string{"model.safetensors", "save the encoder again"}},
		{"no tokenizer", "mean", "tokenizer.json", "", "", []string{"tokenizer.json", "vocab.txt"}},
		{"a cased tokenizer_config", "mean", "tokenizer_config.json", `"do_lower_case": true`, `"do_lower_case": false`, []string{"do_lower_case"}},
		{"a limit beyond the positions", "cls", "sentence_bert_config.json", "12", "33", []string{"max_seq_length", "33", "32"}},
		{"an unknown setting", "cls", "sentence_bert_config.json", `"max_seq_length"`, `"query_length": 5, "max_seq_length"`, []string{"query_length"}},
		{"no pooling", "mean", "1_Pooling/config.json", "", "", []string{"1_Pooling"}},
		{"another pooling", "mean", "1_Pooling/config.json", `"mean"`, `"weightedmean"`, []string{"1_Pooling", "weightedmean", "mean, cls and max"}},
		{"another pooling, older layout", "cls", "1_Pooling/config.json", `"pooling_mode_mean_sqrt_len_tokens": false`, `"pooling_mode_mean_sqrt_len_tokens": true`, []string{"mean_sqrt_len_tokens"}},
		{"a pooling of another width", "mean", "1_Pooling/config.json", "24", "32", []string{"1_Pooling", "32", "24"}},
		{"a dense layer's activation", "max-mean-dense", "2_Dense/config.json", "Tanh", "Softsign", []string{"activation_function", "Softsign"}},
		{"a dense layer of another width", "max-mean-dense", "2_Dense/config.json", `"in_features": 48`, `"in_features": 24`, []string{"linear.weight"}},
		{"a dense layer with a residual", "max-mean-dense", "2_Dense/config.json", `"bias"`, `"use_residual": true, "bias"`, []string{"use_residual"}},
		{"a prompt without text", "prompt", "config_sentence_transformers.json", `"default_prompt_name": "critique"`, `"default_prompt_name": "painting"`, []string{"painting"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", c.encoder))); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, filepath.FromSlash(c.file))
			if c.from == "" {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else {
				replace(t, path, c.from, c.to)
			}
			e, err := Load(dir, device(t, kernels.Options{Threads: 1}))
			if err == nil {
				e.Close()
				t.Fatalf("no error; want one with %q", c.want)
			}
			for _, part := range append(c.want, dir) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

func replace(t *testing.T, path, from, to string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), from) {
		t.Fatalf("%s does not hold %s", path, from)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), from, to, 1)), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestNormalizeNeedsNoFile: older encoders have no folder for it.
func TestNormalizeNeedsNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "mean"))); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "2_Normalize")); err != nil {
		t.Fatal(err)
	}
	v := embed(t, open(t, dir), "light")
	if c := Cosine(v, v); c < 1-1e-12 {
		t.Errorf("cosine with itself %v", c)
	}
}
