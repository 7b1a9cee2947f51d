package loupe_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// renamed rewrites the names of every shard and of the index.
func renamed(rename func(name string) string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		for _, shard := range []string{shardName, "model-00002-of-00002.safetensors"} {
			editHeaderOf(shard, func(tensors map[string]any) {
				old := maps.Clone(tensors)
				for name := range old {
					delete(tensors, name)
				}
				for name, v := range old {
					if name != "__metadata__" {
						name = rename(name)
					}
					tensors[name] = v
				}
			})(t, dir)
		}
		editJSON(weights.IndexName, func(c map[string]any) {
			out := map[string]any{}
			for name, shard := range c["weight_map"].(map[string]any) {
				out[rename(name)] = shard
			}
			c["weight_map"] = out
		})(t, dir)
	}
}

// TestReports: what people met in public with directories that tools wrote, rebuilt small. Each gives the published form's answer,
// or a refusal that says what to do. The report is named where one stands for it.
func TestReports(t *testing.T) {
	want := answerOf(t, filepath.Join("testdata", "golden", "model"))
	lfs := []byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 948608\n")
	put := func(name string, data []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name    string
		breakIt func(t *testing.T, dir string)
		refused []string // parts of the refusal; none: the published form's answer
	}{
		{"shards without their index (unsloth 1521)", remove(weights.IndexName), nil},
		{"a compiled model (axolotl)", renamed(func(s string) string { return "_orig_mod." + s }), nil},
		{"a model saved inside DistributedDataParallel", renamed(func(s string) string { return "module." + s }), nil},
		{"a tower under its new name and a decoder under the old (ms-swift 7947)", renamed(func(s string) string {
			if strings.HasPrefix(s, "visual.") {
				return "model." + s
			}
			return s
		}), nil},
		{"rope_scaling whose type became default (ms-swift 2340)", editJSON("config.json", func(c map[string]any) {
			c["rope_scaling"] = map[string]any{"mrope_section": []int{2, 3, 3}, "rope_type": "default", "type": "default"}
		}), nil},
		{"a trainer's keys (Qwen-VL-Series-Finetune)", editJSON("config.json", func(c map[string]any) {
			c["tokenizer_model_max_length"], c["tokenizer_padding_side"], c["vision_lr"], c["merger_lr"], c["train_batch_size"] = 32768, "right", 2e-6, 1e-5, 8
		}), nil},
		{"no preprocessor_config.json (Qwen-VL-Series-Finetune 34, EasyR1 48)", remove("preprocessor_config.json"), []string{"preprocessor_config.json", "copy the one of the model that was trained"}},
		{"an untied model without lm_head (Qwen3-VL-Embedding 89)", editJSON("config.json", func(c map[string]any) { c["tie_word_embeddings"] = false }), []string{"lm_head.weight", "set tie_word_embeddings to true"}},
		{"empty tensors of ZeRO-3 (PEFT 2405, LLaMA-Factory 7141)", func(t *testing.T, dir string) {
			golden, err := weights.OpenCheckpoint(filepath.Join("testdata", "golden", "model"))
			if err != nil {
				t.Fatal(err)
			}
			defer golden.Close()
			var all []weights.Named
			for _, x := range golden.Tensors() {
				if x.Name == "visual.merger.mlp.0.weight" {
					all = append(all, weights.FromBytes(x.Name, x.DType, []int{0}, nil))
					continue
				}
				all = append(all, weights.FromTensor(x.Name, x))
			}
			if err := weights.Write(filepath.Join(dir, weights.SingleName), all, nil); err != nil {
				t.Fatal(err)
			}
		}, []string{"visual.merger.mlp.0.weight", "ZeRO-3"}},
		{"weights that are a Git LFS pointer", put(shardName, lfs), []string{shardName, "git lfs pull"}},
		{"a tokenizer that is a Git LFS pointer", put("tokenizer.json", lfs), []string{"tokenizer.json", "git lfs pull"}},
		{"a config that is a page of a web site", put("config.json", []byte("<!DOCTYPE html><html>")), []string{"config.json", "web page"}},
		{"a config with a byte order mark", edit("config.json", func(_ *testing.T, d []byte) []byte { return append([]byte("\ufeff"), d...) }), []string{"config.json", "byte order mark"}},
		{"a blob that the cache has lost", func(t *testing.T, dir string) {
			remove(shardName)(t, dir)
			if err := os.Symlink("../blobs/gone", filepath.Join(dir, shardName)); err != nil {
				t.Skip(err)
			}
		}, []string{shardName, "missing"}},
		{"a file cut short (unsloth 2761)", edit(shardName, func(_ *testing.T, d []byte) []byte { return d[:len(d)-100] }), []string{shardName, "truncated"}},
		{"an adapter beside the weights, which transformers would apply", put(weights.AdapterConfigName, []byte(`{"peft_type": "LORA"}`)), []string{weights.AdapterConfigName, "Options.Adapter", "remove"}},
		{"a header whose metadata is null", editHeaderOf(shardName, func(h map[string]any) { h["__metadata__"] = nil }), nil},
		{"another family under the same class (GPTQ of Qwen2.5-VL)", editJSON("config.json", func(c map[string]any) {
			c["model_type"], c["quantization_config"] = "qwen2_5_vl", map[string]any{"quant_method": "gptq"}
		}), []string{"config.json", "qwen2_5_vl"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := broken(t, c.breakIt)
			if c.refused == nil {
				if got := answerOf(t, dir); got != want {
					t.Errorf("got %swant %s", got, want)
				}
				return
			}
			m, err := loupe.Load(dir, loupe.Options{})
			if err == nil {
				m.Close()
				t.Fatal("it loads")
			}
			for _, part := range c.refused {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
		})
	}
}

// TestTokenPastTheEmbedding: a tokenizer with more tokens than the embedding has rows, as after adding tokens without resizing, is
// refused where such a token is used, and not before.
func TestTokenPastTheEmbedding(t *testing.T) {
	dir := broken(t, editJSON("tokenizer_config.json", func(c map[string]any) {
		more := map[string]any{}
		data, err := json.Marshal(c["added_tokens_decoder"])
		if err == nil {
			err = json.Unmarshal(data, &more)
		}
		if err != nil {
			t.Fatal(err)
		}
		more["600"] = map[string]any{"content": "<new>", "special": true}
		c["added_tokens_decoder"] = more
	}))
	m, err := loupe.Load(dir, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := m.Prepare(context.Background(), loupe.Ask("<new>"))
	if err == nil {
		_, err = m.Answer(context.Background(), p, loupe.Generation{MaxTokens: 1})
	}
	if err == nil || !strings.Contains(err.Error(), "600") {
		t.Errorf("%v", err)
	}
}
