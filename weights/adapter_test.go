package weights

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAdapterPart: both namings of modules and PEFT's names of adapters lead to one module.
func TestAdapterPart(t *testing.T) {
	for stored, want := range map[string][2]string{
		"base_model.model.model.language_model.layers.0.mlp.up_proj.lora_A.weight":         {"model.layers.0.mlp.up_proj", "A"},
		"base_model.model.model.layers.0.mlp.up_proj.lora_B.weight":                        {"model.layers.0.mlp.up_proj", "B"},
		"base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight":           {"model.layers.0.self_attn.q_proj", "A"},
		"base_model.model.language_model.model.layers.1.self_attn.q_proj.lora_A.weight":    {"model.layers.1.self_attn.q_proj", "A"},
		"base_model.model.model.visual.blocks.2.attn.qkv.lora_B.weight":                    {"visual.blocks.2.attn.qkv", "B"},
		"base_model.model.visual.blocks.2.attn.qkv.lora_B.weight":                          {"visual.blocks.2.attn.qkv", "B"},
		"base_model.model.visual.merger.mlp.0.lora_A.weight":                               {"visual.merger.mlp.0", "A"},
		"base_model.model.model.language_model.layers.0.self_attn.o_proj.lora_A.my.weight": {},
		"model.layers.0.self_attn.q_proj.lora_A.weight":                                    {},
		"base_model.model.model.layers.0.self_attn.q_proj.lora_embedding_A":                {},
	} {
		module, part, ok := AdapterPart(stored)
		if ok != (want[1] != "") || module != want[0] || part != want[1] {
			t.Errorf("%s is %q of %q, %v; want %v", stored, part, module, ok, want)
		}
		if back := AdapterName(module, part); ok {
			if again, _, _ := AdapterPart(back); again != module {
				t.Errorf("%s comes back as %s", module, again)
			}
		}
	}
}

// TestAdapterPatterns: ranks and scales by patterns of names of either naming.
func TestAdapterPatterns(t *testing.T) {
	c := &AdapterConfig{Rank: 8, Alpha: 16, RankPattern: map[string]int{
		"q_proj": 4, "model.language_model.layers.1.self_attn.k_proj": 2, "model.layers.1.self_attn.v_proj": 1, `visual.blocks.\d+.mlp.fc1`: 16, "up_proj|down_proj": 3,
	}, AlphaPattern: map[string]float64{"q_proj": 1}}
	for module, want := range map[string]int{
		"model.layers.0.self_attn.q_proj": 4, "model.layers.1.self_attn.k_proj": 2, "model.layers.2.self_attn.k_proj": 8, "model.layers.1.self_attn.v_proj": 1,
		"visual.blocks.12.mlp.fc1": 16, "visual.blocks.12.mlp.fc2": 8, "model.layers.0.mlp.up_proj": 3, "model.layers.0.mlp.gate_proj": 8,
	} {
		if got := c.RankOf(module); got != want {
			t.Errorf("the rank of %s is %d, want %d", module, got, want)
		}
	}
	if got := c.Scale("model.layers.0.self_attn.q_proj"); got != 0.25 {
		t.Errorf("scale %v, want 0.25", got)
	}
	c.RSLoRA = true
	if got := c.Scale("model.layers.0.self_attn.q_proj"); got != 0.5 {
		t.Errorf("with rsLoRA the scale is %v, want 0.5", got)
	}
}

// peftConfig is an adapter_config.json as PEFT writes it.
const peftConfig = `{
  "alora_invocation_tokens": null, "alpha_pattern": {}, "arrow_config": null, "auto_mapping": null, "base_model_name_or_path": "Qwen/Qwen2-VL-2B-Instruct",
  "bias": "none", "corda_config": null, "ensure_weight_tying": false, "eva_config": null, "exclude_modules": null, "fan_in_fan_out": false,
  "inference_mode": true, "init_lora_weights": true, "layer_replication": null, "layers_pattern": null, "layers_to_transform": null,
  "loftq_config": {}, "lora_alpha": 32, "lora_bias": false, "lora_dropout": 0.05, "megatron_config": null, "megatron_core": "megatron.core",
  "modules_to_save": null, "peft_type": "LORA", "peft_version": "0.18.0", "qalora_group_size": 16, "r": 16, "rank_pattern": {}, "revision": null,
  "target_modules": ["q_proj", "v_proj"], "target_parameters": null, "task_type": "CAUSAL_LM", "trainable_token_indices": null,
  "use_dora": false, "use_qalora": false, "use_rslora": true}`

// TestReadAdapter reads a file as PEFT writes it, and refuses what is not plain LoRA by its key.
func TestReadAdapter(t *testing.T) {
	c, err := ParseAdapter("a.json", []byte(peftConfig))
	if err != nil {
		t.Fatal(err)
	}
	if c.Rank != 16 || c.Alpha != 32 || !c.RSLoRA || c.Dropout != 0.05 || !slices.Equal(c.TargetModules, []string{"q_proj", "v_proj"}) {
		t.Errorf("read %+v", c)
	}
	path := filepath.Join(t.TempDir(), AdapterConfigName)
	if err := WriteAdapter(path, c, "base"); err != nil {
		t.Fatal(err)
	}
	again, err := ReadAdapter(path)
	if err != nil || again.Rank != c.Rank || again.RSLoRA != c.RSLoRA || !slices.Equal(again.TargetModules, c.TargetModules) {
		t.Errorf("written and read again: %+v, %v", again, err)
	}
	for key, change := range map[string][2]string{
		"peft_type":       {`"LORA"`, `"IA3"`},
		"use_dora":        {`"use_dora": false`, `"use_dora": true`},
		"modules_to_save": {`"modules_to_save": null`, `"modules_to_save": ["lm_head"]`},
		"bias":            {`"bias": "none"`, `"bias": "all"`},
		"r":               {`"r": 16`, `"r": 0`},
		"lora_alpha":      {`"lora_alpha": 32`, `"lora_alpha": "32"`},
	} {
		bad := strings.Replace(peftConfig, change[0], change[1], 1)
		if _, err := ParseAdapter("a.json", []byte(bad)); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := ReadAdapter(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func FuzzParseAdapter(f *testing.F) {
	f.Add([]byte(peftConfig))
	f.Add([]byte(`{"peft_type":"LORA","r":1,"lora_alpha":1,"rank_pattern":{"(":2},"target_modules":"all-linear"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseAdapter("a.json", data)
		if err == nil && (c.RankOf("model.layers.0.mlp.up_proj") < 1) {
			t.Errorf("rank %d", c.RankOf("model.layers.0.mlp.up_proj"))
		}
	})
}
