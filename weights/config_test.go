package weights

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// flat is the published layout with small numbers; nested is the same model as
// transformers 5 writes it.
const flat = `{
  "architectures": ["Qwen2VLForConditionalGeneration"], "attention_dropout": 0.0, "bos_token_id": 51, "eos_token_id": 53,
  "vision_start_token_id": 60, "vision_end_token_id": 61, "vision_token_id": 62, "image_token_id": 63, "video_token_id": 64,
  "hidden_act": "silu", "hidden_size": 64, "initializer_range": 0.02, "intermediate_size": 160, "max_position_embeddings": 2048,
  "max_window_layers": 3, "model_type": "qwen2_vl", "num_attention_heads": 4, "num_hidden_layers": 3, "num_key_value_heads": 2,
  "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 2048, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
  "transformers_version": "4.41.2", "use_cache": true, "use_sliding_window": false,
  "vision_config": {"depth": 2, "embed_dim": 48, "mlp_ratio": 4, "num_heads": 4, "in_chans": 3, "hidden_size": 64, "patch_size": 14,
    "spatial_merge_size": 2, "spatial_patch_size": 14, "temporal_patch_size": 2},
  "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}, "vocab_size": 576}`

const nested = `{
  "architectures": ["Qwen2VLForConditionalGeneration"], "dtype": "bfloat16", "image_token_id": 63, "model_type": "qwen2_vl",
  "text_config": {"attention_dropout": 0.0, "bos_token_id": 51, "dtype": "bfloat16", "eos_token_id": 53, "hidden_act": "silu",
    "hidden_size": 64, "initializer_range": 0.02, "intermediate_size": 160,
    "layer_types": ["full_attention", "full_attention", "full_attention"], "max_position_embeddings": 2048, "max_window_layers": 3,
    "model_type": "qwen2_vl_text", "num_attention_heads": 4, "num_hidden_layers": 3, "num_key_value_heads": 2, "pad_token_id": null,
    "rms_norm_eps": 1e-06, "rope_parameters": {"mrope_section": [2, 3, 3], "rope_theta": 1000000.0, "rope_type": "default", "type": "mrope"},
    "sliding_window": null, "use_cache": true, "use_sliding_window": false, "vocab_size": 576},
  "tie_word_embeddings": true, "transformers_version": "4.41.2", "video_token_id": 64,
  "vision_config": {"depth": 2, "embed_dim": 48, "hidden_act": "quick_gelu", "hidden_size": 64, "in_channels": 3, "in_chans": 3,
    "initializer_range": 0.02, "mlp_ratio": 4, "model_type": "qwen2_vl_vision", "num_heads": 4, "patch_size": 14,
    "rope_parameters": {"rope_theta": 10000.0, "rope_type": "axial"}, "spatial_merge_size": 2, "spatial_patch_size": 14, "temporal_patch_size": 2},
  "vision_end_token_id": 61, "vision_start_token_id": 60, "vision_token_id": 62}`

// with sets a key (dots lead into objects) of a JSON document to a JSON value,
// or removes it where the value is "".
func with(t *testing.T, doc, key, value string) []byte {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal([]byte(doc), &root); err != nil {
		t.Fatal(err)
	}
	at := root
	parts := strings.Split(key, ".")
	for _, p := range parts[:len(parts)-1] {
		at = at[p].(map[string]any)
	}
	last := parts[len(parts)-1]
	if delete(at, last); value != "" {
		at[last] = json.RawMessage(value)
	}
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestParseConfig(t *testing.T) {
	want := &Config{
		ModelType: "qwen2_vl",
		Text: TextConfig{HiddenSize: 64, IntermediateSize: 160, NumHiddenLayers: 3, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 16, VocabSize: 576,
			MaxPositionEmbeddings: 2048, RMSNormEps: 1e-6, RopeTheta: 1e6, MropeSection: []int{2, 3, 3}, TieWordEmbeddings: true},
		Vision: VisionConfig{Depth: 2, EmbedDim: 48, NumHeads: 4, MLPRatio: 4, OutHiddenSize: 64, PatchSize: 14, TemporalPatchSize: 2,
			SpatialMergeSize: 2, InChannels: 3, HiddenAct: "quick_gelu", RopeTheta: 10000},
		BosTokenID: 51, EosTokenIDs: []int{53}, ImageTokenID: 63, VideoTokenID: 64, VisionStartTokenID: 60, VisionEndTokenID: 61,
		DType: "bfloat16", Transformers: "4.41.2",
	}
	for name, doc := range map[string]string{"flat": flat, "nested": nested} {
		got, err := ParseConfig("config.json", []byte(doc))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if want.Text.HeadDim != 16 || want.Vision.HeadDim() != 12 || want.Vision.MLPDim() != 192 || want.Vision.PatchDim() != 1176 {
		t.Error("derived widths are wrong")
	}
}

// TestConfigTold: what stands for an absent key, and which of two values is used, is as transformers 5.24 has it (by
// Qwen2VLConfig(**json)), and is told.
func TestConfigTold(t *testing.T) {
	for _, c := range []struct {
		doc, key, value, note string
		is                    func(c *Config) bool
	}{
		{flat, "rms_norm_eps", "", "config.json: rms_norm_eps is missing; the default of the class, 1e-05, is used", func(c *Config) bool { return c.Text.RMSNormEps == 1e-5 }},
		{flat, "intermediate_size", "", "intermediate_size is missing; the default of the class, 29568", func(c *Config) bool { return c.Text.IntermediateSize == 29568 }},
		{flat, "num_hidden_layers", "", "num_hidden_layers is missing", func(c *Config) bool { return c.Text.NumHiddenLayers == 80 }},
		{flat, "vocab_size", "", "vocab_size is missing", func(c *Config) bool { return c.Text.VocabSize == 152064 }},
		{flat, "max_position_embeddings", "", "max_position_embeddings is missing", func(c *Config) bool { return c.Text.MaxPositionEmbeddings == 32768 }},
		{flat, "rope_theta", "", "rope_theta is missing; the default of the class, 1e+06", func(c *Config) bool { return c.Text.RopeTheta == 1e6 }},
		{flat, "rope_scaling.rope_theta", "44", "rope_theta is 1e+06, and rope_scaling.rope_theta is 44, which is used", func(c *Config) bool { return c.Text.RopeTheta == 44 }},
		{flat, "rope_parameters", `{"rope_theta": 3, "mrope_section": [4, 2, 2]}`, "rope_parameters.mrope_section is [4 2 2], and rope_scaling says [2 3 3], which is used",
			func(c *Config) bool { return c.Text.RopeTheta == 1e6 && c.Text.MropeSection[0] == 2 }},
		{flat, "num_key_value_heads", "null", "", func(c *Config) bool { return c.Text.NumKeyValueHeads == 4 }},
		{flat, "hidden_act", "", "", func(c *Config) bool { return true }},
		{flat, "vision_config.rope_theta", "9", "", func(c *Config) bool { return c.Vision.RopeTheta == 9 }},
		{flat, "vision_config.rope_scaling", `{"rope_theta": 8}`, "", func(c *Config) bool { return c.Vision.RopeTheta == 8 }},
		{nested, "vision_config.rope_theta", "9", "vision_config.rope_theta is 9, and vision_config.rope_parameters.rope_theta is 10000, which is used",
			func(c *Config) bool { return c.Vision.RopeTheta == 10000 }},
		{nested, "vision_config.rope_parameters", `{"rope_theta": 77, "rope_type": "default"}`, "", func(c *Config) bool { return c.Vision.RopeTheta == 77 }},
		{nested, "hidden_size", "128", "hidden_size differs from text_config.hidden_size, which is used", func(c *Config) bool { return c.Text.HiddenSize == 64 }},
		{nested, "rope_scaling", `{"type": "mrope", "mrope_section": [3, 3, 2]}`, "rope_scaling asks for another rotary embedding than text_config", func(c *Config) bool { return c.Text.MropeSection[0] == 2 }},
		{nested, "rope_theta", "5", "rope_theta asks for another rotary embedding than text_config", func(c *Config) bool { return c.Text.RopeTheta == 1e6 }},
		{nested, "rope_theta", "1e6", "", func(c *Config) bool { return c.Text.RopeTheta == 1e6 }},
		{nested, "text_config.rope_parameters.type", "", "", func(c *Config) bool { return true }},
		{flat, "rope_scaling.type", "", "", func(c *Config) bool { return c.Text.MropeSection[0] == 2 }},
	} {
		got, err := ParseConfig("config.json", with(t, c.doc, c.key, c.value))
		if err != nil {
			t.Errorf("%s = %s: %v", c.key, c.value, err)
			continue
		}
		if notes := strings.Join(got.Notes, "\n"); !c.is(got) || !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s = %s: %+v, notes %q, want %q", c.key, c.value, got, notes, c.note)
		}
	}
}

// What is in the wild and must be accepted.
func TestParseConfigAccepts(t *testing.T) {
	for _, c := range []struct{ doc, key, value string }{
		{flat, "rope_scaling", `{"type": "default", "rope_type": "default", "mrope_section": [2, 3, 3]}`},
		{flat, "vision_config", `{"hidden_size": 64, "in_chans": 3, "model_type": "qwen2_vl", "spatial_patch_size": 14}`}, // AWQ's
		{flat, "vision_config.mlp_ratio", "4.0"},
		{flat, "eos_token_id", "[53, 51]"},
		{flat, "bos_token_id", "null"},
		{flat, "eos_token_id", ""},
		{flat, "use_sliding_window", "true"}, // the window is the whole context
		{flat, "head_dim", "16"},
		{flat, "quantization_config", "null"},
		{flat, "_attn_implementation_autoset", "true"},
		{flat, "pruned_heads", "{}"},
		{flat, "text_config", "null"},
		{nested, "tie_word_embeddings", ""},
		{nested, "hidden_size", "64"}, // 4.52 to 4.57 repeat the decoder's keys
		{nested, "rope_scaling", `{"type": "mrope", "mrope_section": [2, 3, 3]}`},
		{nested, "rope_theta", "1e6"},
		{nested, "bos_token_id", "99"}, // a trainer's change
		{nested, "text_config.image_token_id", "null"},
		{nested, "vocab_size", "576.0"},
	} {
		if _, err := ParseConfig("config.json", with(t, c.doc, c.key, c.value)); err != nil {
			t.Errorf("%s = %s: %v", c.key, c.value, err)
		}
	}
	c, err := ParseConfig("config.json", with(t, flat, "trained_by", `"me"`))
	if err != nil || len(c.Unknown) != 1 || c.Unknown[0] != "trained_by" {
		t.Errorf("%v %v", c, err)
	}
	c, err = ParseConfig("config.json", with(t, nested, "vision_config.note", `1`))
	if err != nil || len(c.Unknown) != 1 || c.Unknown[0] != "vision_config.note" {
		t.Errorf("%v %v", c, err)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, key := range []string{"vision_config", "model_type", "image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id"} {
		_, err := ParseConfig("config.json", with(t, flat, key, ""))
		wantError(t, err, "config.json", key, "missing")
	}
	for _, c := range []struct {
		doc, key, value, want string
	}{
		{flat, "num_hidden_layers", "-1", "num_hidden_layers is -1; it must be 1 to 1024"},
		{flat, "num_hidden_layers", "1099511627776", "num_hidden_layers is 1099511627776; it must be 1 to 1024"},
		{flat, "num_hidden_layers", "1e300", "num_hidden_layers is 1e300, not a whole number (1 to 1024)"},
		{flat, "num_hidden_layers", "2.5", "num_hidden_layers is 2.5, not a whole number (1 to 1024)"},
		{flat, "num_hidden_layers", `"3"`, "num_hidden_layers is a string, not a number"},
		{flat, "num_hidden_layers", `[3]`, "num_hidden_layers is an array, not a number"},
		{flat, "num_attention_heads", "0", "num_attention_heads is 0; it must be 1 to 1024"},
		{flat, "num_attention_heads", "3", "hidden_size is 64, which num_attention_heads 3 does not divide"},
		{flat, "num_key_value_heads", "3", "num_key_value_heads is 3, which does not divide num_attention_heads 4"},
		{flat, "hidden_size", "66", "hidden_size is 66, which num_attention_heads 4 does not divide"},
		{flat, "rms_norm_eps", "0", "rms_norm_eps is 0; it must be 1e-12 to 0.1"},
		{flat, "rms_norm_eps", "1e400", "rms_norm_eps is 1e400; it must be 1e-12 to 0.1"},
		{flat, "hidden_act", `"magic"`, `hidden_act is "magic"`},
		{flat, "model_type", `"qwen2_5_vl"`, `model_type is "qwen2_5_vl"`},
		{flat, "rope_scaling", `{"type": "spiral"}`, `rope_scaling.type is "spiral"`},
		{flat, "rope_scaling", "", "rope_parameters.mrope_section [16 24 24] sums to 64, but must sum to half the head width, 8"},
		{flat, "rope_scaling", `{}`, "rope_scaling.mrope_section [16 24 24] sums to 64"},
		{flat, "rope_scaling.mrope_section", "", "rope_scaling.mrope_section [16 24 24] sums to 64"},
		{flat, "num_key_value_heads", "", "num_key_value_heads is 8, which does not divide num_attention_heads 4"},
		{flat, "vision_config.hidden_size", "", "vision_config.hidden_size is 3584, the default of the class since the key is absent, but the decoder's hidden_size is 64"},
		{nested, "vision_config.rope_scaling", `{"rope_theta": 0}`, "vision_config.rope_scaling.rope_theta is 0"},
		{nested, "vision_config.rope_theta", `-1`, "vision_config.rope_theta is -1"},
		{flat, "rope_scaling", `{"type": "mrope", "mrope_section": [2, 3, 3], "factor": 4.0}`, "rope_scaling.factor is not known and would change the rotary embedding"},
		{flat, "rope_scaling", `{"type": "mrope", "mrope_section": [1, 1, 1]}`, "rope_scaling.mrope_section [1 1 1] sums to 3"},
		{flat, "rope_scaling", `{"type": "mrope", "mrope_section": [4, 4]}`, "rope_scaling.mrope_section has 2 items; it must have 3"},
		{flat, "rope_scaling", `{"type": "mrope", "mrope_section": [9, -2, 1]}`, "rope_scaling.mrope_section is -2; it must be 1 to 65536"},
		{flat, "rope_scaling", `{"type": "mrope", "rope_type": "yarn", "mrope_section": [2, 3, 3]}`, `rope_scaling.rope_type is "yarn"`},
		{flat, "rope_scaling", "7", "rope_scaling is a number, not an object"},
		{flat, "sliding_window_pattern", "2", "sliding_window_pattern is not known"},
		{flat, "attention_bias", "true", "attention_bias is not known"},
		{flat, "logit_softcapping", "30.0", "logit_softcapping is not known"},
		{flat, "head_dim", "32", "head_dim is 32"},
		{flat, "quantization_config", `{"quant_method": "awq"}`, "quantization_config asks for a quantized checkpoint (awq), which is not supported yet"},
		{flat, "vocab_size", "50", "image_token_id is 63; it must be 0 to 49"},
		{flat, "image_token_id", "64", "image_token_id is 64"},
		{flat, "eos_token_id", `[53, "x"]`, "eos_token_id is a string, not a number"},
		{flat, "eos_token_id", `[53, null]`, "eos_token_id holds null"},
		{flat, "eos_token_id", "99999", "eos_token_id is 99999; it must be 0 to 575"},
		{flat, "vision_config", `[]`, "vision_config is an array, not an object"},
		{flat, "vision_config.hidden_size", "72", "vision_config.hidden_size is 72"},
		{flat, "vision_config.hidden_act", `"gelu"`, `vision_config.hidden_act is "gelu"`},
		{flat, "vision_config.in_chans", "4", "vision_config.in_chans is 4; it must be 3"},
		{flat, "vision_config.in_channels", "1", "vision_config.in_channels is 1; it must be 3"},
		{flat, "vision_config.embed_dim", "50", "vision_config.embed_dim is 50, which num_heads 4 does not divide"},
		{flat, "vision_config.embed_dim", "40", "vision_config.embed_dim gives heads of width 10"},
		{flat, "vision_config.window_size", "112", "vision_config.window_size is not known"},
		{flat, "vision_config.depth", "0", "vision_config.depth is 0; it must be 1 to 1024"},
		{nested, "vision_config.rope_parameters", `{"rope_type": "yarn"}`, `vision_config.rope_parameters.rope_type is "yarn"`},
		{nested, "vision_config.rope_parameters", `{"rope_theta": 10000.0, "factor": 2}`, "vision_config.rope_parameters.factor is not known and would change the rotary embedding"},
		{nested, "text_config.layer_types", `["full_attention", "linear_attention", "full_attention"]`, `text_config.layer_types gives layer 1 "linear_attention"`},
		{nested, "text_config.layer_types", `["full_attention"]`, "text_config.layer_types has 1 items for 3 layers"},
		{nested, "text_config.model_type", `"llama"`, `text_config.model_type is "llama"`},
		{string(with(t, nested, "text_config.rms_norm_eps", "")), "rms_norm_eps", "1e-6", "rms_norm_eps lies beside text_config, where it is not read"},
		{nested, "text_config", `"x"`, "text_config is a string, not an object"},
	} {
		_, err := ParseConfig("config.json", with(t, c.doc, c.key, c.value))
		wantError(t, err, "config.json", c.want)
	}
	window := with(t, string(with(t, flat, "use_sliding_window", "true")), "sliding_window", "1024")
	_, err := ParseConfig("config.json", with(t, string(window), "max_window_layers", "2"))
	wantError(t, err, "use_sliding_window", "1024")
	if _, err := ParseConfig("config.json", window); err != nil { // it would begin after the last layer
		t.Error(err)
	}
}

func TestParseConfigNotJSON(t *testing.T) {
	for doc, want := range map[string]string{
		"":                            "ends early",
		"{":                           "ends early",
		"[]":                          "an array",
		"{} x":                        "after the JSON object",
		"{not json":                   "at byte",
		"\xff\xfe{":                   "UTF-8",
		`{"a":1,"a":2}`:               "twice",
		`{"hidden_size": NaN}`:        "at byte",
		strings.Repeat("[", 1000):     "nested deeper",
		strings.Repeat(`{"a":`, 1000): "nested deeper",
	} {
		_, err := ParseConfig("config.json", []byte(doc))
		wantError(t, err, "config.json", want)
	}
	dir := t.TempDir()
	_, err := ReadConfig(filepath.Join(dir, "config.json"))
	wantError(t, err, "config.json")
	_, err = ReadConfig(dir)
	wantError(t, err, "directory")
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(flat))
	f.Add([]byte(nested))
	f.Add([]byte(`{"image_processor":{"size":{"shortest_edge":1}},"video_processor":{"cap_pixels_per_frame":true,"min_pixels":1e9}}`))
	f.Add([]byte(`{"model_type":"qwen2_vl","text_config":{"rope_parameters":{"mrope_section":[1e3,-1,null]}},"vision_config":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// One fuzzer drives all the small parsers: they share their machinery.
		_, _ = ParseGeneration("fuzz", data)
		_, _ = Qwen2VL.ParsePreprocessor("fuzz", data)
		_, _ = Qwen2VL.ReadProcessors(fstest.MapFS{ProcessorName: {Data: data}, VideoPreprocessorName: {Data: data}, PreprocessorName: {Data: data}}, "")
		_, _ = ParseScoreHead("fuzz", data)
		_, _ = parseIndex(data)
		c, err := ParseConfig("fuzz", data)
		if err != nil {
			return
		}
		s := c.Text.MropeSection
		if c.Text.HeadDim < 2 || c.Vision.HeadDim() < 4 || len(s) != 3 || s[0]+s[1]+s[2] != c.Text.HeadDim/2 || c.Vision.PatchDim() < 1 {
			t.Fatalf("accepted %+v", c)
		}
	})
}
