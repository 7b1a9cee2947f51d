package weights

import (
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestParseAdapterName: all namings of modules, PEFT's names of adapters and its wrappers lead to one part of one module.
func TestParseAdapterName(t *testing.T) {
	const q = "model.layers.0.self_attn.q_proj"
	for stored, want := range map[string][2]string{
		"base_model.model.model.language_model.layers.0.mlp.up_proj.lora_A.weight":         {"model.layers.0.mlp.up_proj", PartA},
		"base_model.model.model.layers.0.mlp.up_proj.lora_B.weight":                        {"model.layers.0.mlp.up_proj", PartB},
		"base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight":           {q, PartA},
		"base_model.model.language_model.model.layers.0.self_attn.q_proj.lora_A.weight":    {q, PartA},
		"base_model.model.model.visual.blocks.2.attn.qkv.lora_B.weight":                    {"visual.blocks.2.attn.qkv", PartB},
		"base_model.model.visual.blocks.2.attn.qkv.lora_B.weight":                          {"visual.blocks.2.attn.qkv", PartB},
		"base_model.model.visual.merger.mlp.0.lora_A.weight":                               {"visual.merger.mlp.0", PartA},
		"base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector":           {q, PartMagnitude},
		"base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector.weight":    {q, PartMagnitude},
		"base_model.model.model.embed_tokens.lora_embedding_A":                             {"model.embed_tokens", PartEmbedA},
		"base_model.model.model.language_model.embed_tokens.lora_embedding_B.default":      {"model.embed_tokens", PartEmbedB},
		"base_model.model.model.language_model.embed_tokens.base_layer.weight":             {"model.embed_tokens", PartWeight},
		"base_model.model.model.language_model.layers.0.self_attn.q_proj.base_layer.bias":  {q, PartBias},
		"base_model.model.lm_head.modules_to_save.default.weight":                          {"lm_head", PartWeight},
		"base_model.model.model.language_model.norm.weight":                                {"model.norm", PartWeight},
		"base_model.model.visual.merger.ln_q.bias":                                         {"visual.merger.ln_q", PartBias},
		"base_model.model.model.language_model.layers.0.self_attn.o_proj.lora_A.my.weight": {},
		"base_model.model.model.language_model.layers.0.self_attn.o_proj.lora_B.bias":      {},
		"base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_E":           {},
		"model.layers.0.self_attn.q_proj.lora_A.weight":                                    {},
		"base_model.model.weight": {},
		"base_model.model.model.language_model.embed_tokens.token_adapter.trainable_tokens": {},
	} {
		got, ok := ParseAdapterName(stored)
		if ok != (want[1] != "") || ok && (got.Module != want[0] || got.Part != want[1]) {
			t.Errorf("%s is %q of %q, %v; want %v", stored, got.Part, got.Module, ok, want)
		}
		for _, n := range []Naming{Later, Earlier, Wrapped, Headless} {
			if !ok {
				continue
			}
			again, _ := ParseAdapterName(n.AdapterName(got.Module, got.Part))
			if again.Module != got.Module || again.Part != got.Part || again.Known && again.Naming != n && (n < Wrapped || !strings.HasPrefix(got.Module, "visual")) {
				t.Errorf("%s comes back from naming %d as %+v", stored, n, again)
			}
		}
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

// twoLayers is a model of two blocks and two layers.
var twoLayers = (&Config{ModelType: "qwen2_vl", Vision: VisionConfig{Depth: 2}, Text: TextConfig{NumHiddenLayers: 2}}).Modules()

// TestAdapterSelects: what PEFT 0.21.2 makes of the same configurations, module by module.
func TestAdapterSelects(t *testing.T) {
	const l0, l1, b0, b1 = "model.layers.0.", "model.layers.1.", "visual.blocks.0.", "visual.blocks.1."
	both := func(end string) []string { return []string{l0 + end, l1 + end} }
	for _, c := range []struct {
		name, change, to string
		branches, saved  []string
	}{
		{"list", `["q_proj", "v_proj"]`, `["self_attn.q_proj"]`, both("self_attn.q_proj"), nil},
		{"end without its dot", `["q_proj", "v_proj"]`, `["_proj", "qkv"]`, []string{b0 + "attn.qkv", b1 + "attn.qkv"}, nil},
		{"expression", `["q_proj", "v_proj"]`, `".*(q|o)_proj"`, slices.Concat(both("self_attn.q_proj"), both("self_attn.o_proj")), nil},
		{"all of one name", `["q_proj", "v_proj"]`, `"model.visual.blocks.\\d.mlp.fc[12]"`, []string{b0 + "mlp.fc1", b0 + "mlp.fc2", b1 + "mlp.fc1", b1 + "mlp.fc2"}, nil},
		{"excluded list", `"exclude_modules": null`, `"exclude_modules": ["1.self_attn.q_proj", "v_proj"]`, []string{l0 + "self_attn.q_proj"}, nil},
		{"excluded expression", `"exclude_modules": null`, `"exclude_modules": ".*layers.0.*"`, []string{l1 + "self_attn.q_proj", l1 + "self_attn.v_proj"}, nil},
		{"layer", `"layers_to_transform": null`, `"layers_to_transform": 1`, []string{l1 + "self_attn.q_proj", l1 + "self_attn.v_proj"}, nil},
		{"no layer is all", `"layers_to_transform": null`, `"layers_to_transform": []`, slices.Concat(both("self_attn.q_proj"), both("self_attn.v_proj")), nil},
		{"saved by the end of a name", `"modules_to_save": null`, `"modules_to_save": ["norm"]`, slices.Concat(both("self_attn.q_proj"), both("self_attn.v_proj")),
			[]string{l0 + "input_layernorm", l0 + "post_attention_layernorm", l1 + "input_layernorm", l1 + "post_attention_layernorm", "model.norm"}},
		{"saved with what it holds", `"modules_to_save": null`, `"modules_to_save": ["merger", "classifier"]`, slices.Concat(both("self_attn.q_proj"), both("self_attn.v_proj")),
			[]string{"visual.merger.ln_q", "visual.merger.mlp.0", "visual.merger.mlp.2"}},
		{"saved, and so without a branch", `"modules_to_save": null`, `"modules_to_save": ["v_proj"]`, both("self_attn.q_proj"), both("self_attn.v_proj")},
	} {
		config := strings.Replace(peftConfig, c.change, c.to, 1)
		a, err := ParseAdapter("a.json", []byte(config))
		if err != nil || config == peftConfig {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		s, err := a.Select(twoLayers, Later, true)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := sortedKeys(s.Branches); !slices.Equal(got, slices.Sorted(slices.Values(c.branches))) || !slices.Equal(s.Saved, c.saved) {
			t.Errorf("%s: branches %q, saved %q", c.name, got, s.Saved)
		}
	}
}

// TestAdapterPatterns: ranks and scales by the first pattern of the file that matches, as Python reads it, and what is written
// after that says the same.
func TestAdapterPatterns(t *testing.T) {
	config := strings.NewReplacer(`["q_proj", "v_proj"]`, `["q_proj", "v_proj", "k_proj", "up_proj", "down_proj", "fc1"]`,
		`"rank_pattern": {}`, `"rank_pattern": {"model.language_model.layers.1.self_attn.k_proj": 2, "language_model.layers.1.self_attn.v_proj": 1, "blocks.\\d.mlp.fc1": 16, "up_proj|down_proj": 3}`,
		`"alpha_pattern": {}`, `"alpha_pattern": {"q_proj": 16, "layers.0.self_attn.q_proj": 3, "(?!.*layers\\.0\\.).*v_proj": 64, "proj": 5}`).Replace(peftConfig)
	c, err := ParseAdapter("a.json", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Select(twoLayers, Later, true)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]AdapterBranch{
		"model.layers.0.self_attn.q_proj": {16, 16, 4}, "model.layers.1.self_attn.q_proj": {16, 16, 4},
		"model.layers.0.self_attn.v_proj": {16, 64, 16}, // the lookahead may stand at v_proj
		"model.layers.1.self_attn.v_proj": {1, 64, 64},
		"model.layers.0.self_attn.k_proj": {16, 32, 8}, "visual.blocks.1.mlp.fc1": {16, 32, 8},
	}
	for module, b := range want {
		if got := s.Branches[module]; got != b {
			t.Errorf("%s has %+v, want %+v", module, got, b)
		}
	}
	if got := s.Branches["model.layers.1.self_attn.k_proj"].Rank; got != 2 {
		t.Errorf("the rank by a whole name is %d", got)
	}
	path := filepath.Join(t.TempDir(), AdapterConfigName)
	if err := WriteAdapter(path, c.Resolved(s), "base", Qwen2VL); err != nil {
		t.Fatal(err)
	}
	again, err := ReadAdapter(path)
	if err != nil {
		t.Fatal(err)
	}
	same, err := again.Select(twoLayers, Later, true)
	if err != nil || !reflect.DeepEqual(same.Branches, s.Branches) {
		t.Errorf("written and read again: %+v, %v; want %+v", same, err, s)
	}
}

// TestReadAdapter reads a file as PEFT writes it, and refuses what is not computed by its key.
func TestReadAdapter(t *testing.T) {
	c, err := ParseAdapter("a.json", []byte(peftConfig))
	if err != nil {
		t.Fatal(err)
	}
	if c.Rank != 16 || c.Alpha != 32 || !c.RSLoRA || c.Dropout != 0.05 || !slices.Equal(c.TargetModules, []string{"q_proj", "v_proj"}) || c.Scale() != 8 {
		t.Errorf("read %+v", c)
	}
	for key, changes := range map[string][][2]string{
		"peft_type":  {{`"LORA"`, `"IA3"`}, {`"LORA"`, `"LOHA"`}, {`"LORA"`, `"PREFIX_TUNING"`}},
		"bias":       {{`"bias": "none"`, `"bias": "some"`}},
		"r":          {{`"r": 16`, `"r": 0`}, {`"r": 16`, `"r": 1.5`}},
		"lora_alpha": {{`"lora_alpha": 32`, `"lora_alpha": "32"`}},
		"init_lora_weights": {{`"init_lora_weights": true`, `"init_lora_weights": "pissa"`}, {`"init_lora_weights": true`, `"init_lora_weights": "pissa_niter_16"`},
			{`"init_lora_weights": true`, `"init_lora_weights": "olora"`}, {`"init_lora_weights": true`, `"init_lora_weights": "corda"`}, {`"init_lora_weights": true`, `"init_lora_weights": "loftq"`},
			{`"init_lora_weights": true`, `"init_lora_weights": "lora_ga"`}, {`"init_lora_weights": true`, `"init_lora_weights": "newest"`}, {`"init_lora_weights": true`, `"init_lora_weights": 1`}},
		"layer_replication":       {{`"layer_replication": null`, `"layer_replication": [[0, 1], [0, 2]]`}},
		"lora_bias":               {{`"lora_bias": false`, `"lora_bias": true`}},
		"megatron_config":         {{`"megatron_config": null`, `"megatron_config": {"a": 1}`}},
		"target_parameters":       {{`"target_parameters": null`, `"target_parameters": ["mlp.experts"]`}},
		"trainable_token_indices": {{`"trainable_token_indices": null`, `"trainable_token_indices": [1]`}},
		"alora_invocation_tokens": {{`"alora_invocation_tokens": null`, `"alora_invocation_tokens": [1]`}},
		"use_qalora":              {{`"use_qalora": false`, `"use_qalora": true`}},
		"arrow_config":            {{`"arrow_config": null`, `"arrow_config": {"top_k": 3}`}},
		"use_sparsity":            {{`"use_qalora": false`, `"use_sparsity": 0.5`}},
		"target_modules":          {{`["q_proj", "v_proj"]`, `null`}, {`["q_proj", "v_proj"]`, `[]`}, {`["q_proj", "v_proj"]`, `[1]`}},
		"layers_pattern":          {{`"layers_pattern": null`, `"layers_pattern": "layers"`}},
		"layers_to_transform":     {{`["q_proj", "v_proj"]`, `".*q_proj", "layers_to_transform": 1, "x": {`}},
		"modules_to_save":         {{`"modules_to_save": null`, `"modules_to_save": "lm_head"`}},
		"rank_pattern":            {{`"rank_pattern": {}`, `"rank_pattern": {"(": 2}`}, {`"rank_pattern": {}`, `"rank_pattern": {"q_proj": 0}`}},
		"alpha_pattern":           {{`"alpha_pattern": {}`, `"alpha_pattern": {"(?i)Q_PROJ": 2}`}},
	} {
		for _, change := range changes {
			bad := strings.Replace(peftConfig, change[0], change[1], 1)
			if strings.HasSuffix(change[1], "{") {
				bad = strings.Replace(strings.Replace(peftConfig, change[0], strings.TrimSuffix(change[1], `, "x": {`), 1), `"layers_to_transform": null, `, "", 1)
				bad = strings.Replace(bad, "\n  \"loftq_config\"", "\"loftq_config\"", 1)
				bad = strings.Replace(bad, `"layers_to_transform": null,`, "", 1)
			}
			if _, err := ParseAdapter("a.json", []byte(bad)); err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s: %v", change[1], err)
			}
		}
	}
	if _, err := ReadAdapter(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestSlowPattern: an expression that backtracks without end is an error that names its key.
func TestSlowPattern(t *testing.T) {
	defer func(d time.Duration) { pyTimeout = d }(pyTimeout)
	pyTimeout = 100 * time.Millisecond
	c, err := ParseAdapter("a.json", []byte(strings.Replace(peftConfig, `["q_proj", "v_proj"]`, `"(([a-z_.])+)+!"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Select(twoLayers, Later, true); err == nil || !strings.Contains(err.Error(), "target_modules") {
		t.Errorf("%v", err)
	}
}

func FuzzParseAdapter(f *testing.F) {
	f.Add([]byte(peftConfig))
	f.Add([]byte(`{"peft_type":"LORA","r":1,"lora_alpha":1,"rank_pattern":{"(":2},"target_modules":"all-linear"}`))
	f.Add([]byte(`{"peft_type":"LORA","r":1,"lora_alpha":1,"alpha_pattern":{"q_proj":2},"target_modules":["q_proj"],"layers_to_transform":[0],"layers_pattern":"layers","modules_to_save":["norm"],"bias":"all"}`))
	pyTimeout = 20 * time.Millisecond
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseAdapter("a.json", data)
		if err != nil {
			return
		}
		s, err := c.Select(twoLayers, Earlier, false)
		if err != nil {
			return
		}
		for module, b := range s.Branches {
			if b.Rank < 1 {
				t.Errorf("%s has the rank %d", module, b.Rank)
			}
		}
	})
}

func FuzzParseAdapterName(f *testing.F) {
	f.Add("base_model.model.model.language_model.layers.0.mlp.up_proj.lora_A.default.weight")
	f.Add("base_model.model.lm_head.modules_to_save.default.weight")
	f.Fuzz(func(t *testing.T, stored string) {
		if of, ok := ParseAdapterName(stored); ok && (of.Module == "" || of.Part == "") {
			t.Errorf("%q is %+v", stored, of)
		}
	})
}
