package loupe_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// TestAdapterRefused: what is not whole, not named, or not computed is an error that names it.
func TestAdapterRefused(t *testing.T) {
	without := func(part string) func(weights.Named) []weights.Named {
		return func(n weights.Named) []weights.Named {
			if strings.Contains(n.Name, part) {
				return nil
			}
			return []weights.Named{n}
		}
	}
	shaped := func(part string, shape ...int) func(weights.Named) []weights.Named {
		return func(n weights.Named) []weights.Named {
			if strings.Contains(n.Name, part) {
				size := 1
				for _, d := range shape {
					size *= d
				}
				return []weights.Named{weights.FromF32(n.Name, shape, make([]float32, size))}
			}
			return []weights.Named{n}
		}
	}
	extra := func(name string, shape ...int) func(weights.Named) []weights.Named {
		first := true
		return func(n weights.Named) []weights.Named {
			if !first {
				return []weights.Named{n}
			}
			first = false
			return []weights.Named{n, weights.FromF32(name, shape, make([]float32, shape[0]))}
		}
	}
	for _, c := range []struct {
		name, adapter string
		config        map[string]any
		change        func(weights.Named) []weights.Named
		says          []string
	}{
		{"empty", "layers", nil, without(""), []string{"blocks.0.attn.qkv.lora_A.weight", "not whole"}},
		{"half a branch", "layers", nil, without("layers.2.self_attn.q_proj.lora_B"), []string{"layers.2.self_attn.q_proj.lora_B.weight"}},
		{"no magnitude", "dora", nil, without("proj.lora_magnitude"), []string{"patch_embed.proj.lora_magnitude_vector"}},
		{"nothing saved", "saved-lm-head", nil, without("lm_head"), []string{"lm_head.weight"}},
		{"half saved", "saved-norms-and-merger", nil, without("ln_q.bias"), []string{"ln_q.bias"}},
		{"no bias", "bias-all", nil, without("norm1.bias"), []string{"blocks.0.norm1.bias"}},
		{"no bias beside a branch", "bias-all", nil, without("fc2.base_layer.bias"), []string{"blocks.0.mlp.fc2.base_layer.bias"}},
		{"one layer more", "layers", map[string]any{"layers_to_transform": []int{0, 1, 2}}, nil, []string{"blocks.1.attn.qkv.lora_A.weight"}},
		{"one layer less", "layers", map[string]any{"layers_to_transform": []int{0}}, nil, []string{"layers.2.self_attn.q_proj", "does not name it"}},
		{"no DoRA by its configuration", "dora", map[string]any{"use_dora": false}, nil, []string{"lora_magnitude_vector", "does not name it"}},
		{"a rank of another shape", "layers", map[string]any{"r": 3}, nil, []string{"lora_A.weight", "[2 64]", "[3 64]"}},
		{"a convolution as a matrix", "convolution", nil, shaped("lora_A", 2, 1176), []string{"patch_embed.proj.lora_A.weight", "[2 1176]", "[2 3 2 14 14]"}},
		{"a resized vocabulary", "saved-lm-head", nil, shaped("lm_head", 580, 64), []string{"lm_head.weight", "[580 64]", "[576 64]"}},
		{"parts that were not gathered", "layers", nil, shaped("", 0), []string{"lora_A.weight", "ZeRO-3"}},
		{"a compiled model's", "layers", nil, extra("base_model.model._orig_mod.model.language_model.layers.0.self_attn.q_proj.lora_A.weight", 2), []string{"_orig_mod"}},
		{"the language model's alone", "layers", nil, extra("base_model.model.layers.0.self_attn.q_proj.lora_A.weight", 2), []string{"base_model.model.layers.0", "does not have"}},
		{"another model's", "layers", nil, extra("base_model.model.score.weight", 64), []string{"score"}},
		{"a weight that nothing names", "layers", nil, extra("base_model.model.model.language_model.norm.weight", 64), []string{"norm.weight", "does not name it"}},
		{"no PEFT name", "layers", nil, extra("model.language_model.norm.weight", 64), []string{"model.language_model.norm.weight"}},
		{"twice", "layers", nil, extra("base_model.model.visual.blocks.0.attn.qkv.lora_A.weight", 2), []string{"blocks.0.attn.qkv.lora_A.weight", "same part"}},
		{"a base's weight that is not saved whole", "layers", nil, extra("base_model.model.lm_head.original_module.weight", 2), []string{"original_module"}},
		{"a container", "layers", map[string]any{"target_modules": []string{"mlp"}, "layers_to_transform": nil}, nil, []string{"target_modules", "visual.blocks.0.mlp"}},
		{"both ways", "saved-lm-head", map[string]any{"modules_to_save": []string{"head", "v_proj"}, "target_modules": []string{"v_proj", "q_proj"}}, nil, []string{"q_proj"}},
		{"one in the other", "saved-norms-and-merger", map[string]any{"modules_to_save": []string{"merger", "ln_q"}}, nil, []string{"modules_to_save", "visual.merger", "ln_q"}},
		{"nothing named", "layers", map[string]any{"target_modules": []string{"query"}, "layers_to_transform": nil}, nil, []string{"target_modules"}},
		{"half a tie", "lm-head", map[string]any{"ensure_weight_tying": true}, nil, []string{"embed_tokens.lora_embedding_A"}},
	} {
		_, err := lastLogits(t, "", loupe.Options{Adapter: rewritten(t, c.adapter, c.config, c.change)})
		if err == nil {
			t.Errorf("%s: it loads", c.name)
			continue
		}
		for _, part := range c.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v; it does not say %q", c.name, err, part)
			}
		}
	}
	dir := rewritten(t, "layers", nil, func(n weights.Named) []weights.Named {
		return []weights.Named{weights.FromF32(n.Name, n.Shape, slices.Repeat([]float32{float32(math.NaN())}, n.Shape[0]*n.Shape[1]))}
	})
	if _, err := lastLogits(t, "", loupe.Options{Adapter: dir}); err == nil || !strings.Contains(err.Error(), weights.AdapterWeightsName) {
		t.Errorf("numbers that are not finite: %v", err)
	}
	if _, err := lastLogits(t, "", loupe.Options{Adapter: adapterDir}); err == nil || !strings.Contains(err.Error(), "all-linear") {
		t.Errorf("a directory above those of adapters: %v", err)
	}
	dir = rewritten(t, "layers", nil, nil)
	if err := os.Rename(filepath.Join(dir, weights.AdapterWeightsName), filepath.Join(dir, weights.AdapterPickleName)); err != nil {
		t.Fatal(err)
	}
	if _, err := lastLogits(t, "", loupe.Options{Adapter: dir}); err == nil || !strings.Contains(err.Error(), "adapter_model.bin") {
		t.Errorf("pickled weights: %v", err)
	}
}
