package loupe_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/loupe-vl/loupe/weights"
)

// walks are the files whose keys TestEveryKey walks.
func walks() []walked {
	const size = `{"size": {"shortest_edge": 3136, "longest_edge": 23520}, "image_mean": [0.48145466, 0.4578275, 0.40821073]}`
	golden := func(change func(t *testing.T, dir string)) func(t *testing.T) string {
		return func(t *testing.T) string { return broken(t, change) }
	}
	without := remove("generation_config.json") // so that config.json's own end token shows
	file := func(name, text string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return []walked{
		{
			kind: "config.json, flat", inert: "config.json", file: "config.json", make: golden(without), result: everything,
			other:   with(visionKeys, tokenKeys, decoderValues(""), map[string]string{"rope_scaling": `{"mrope_section": [3, 3, 2]}`, "rope_scaling.mrope_section": `[4, 2, 2]`, "rope_scaling.rope_theta": "44", "rope_scaling.rope_type": `"yarn"`, "rope_scaling.type": `"yarn"`, "rope_theta": "55", "text_config": `{"hidden_size": 8}`}),
			nothing: with(idleKeys, map[string]string{"rope_parameters": "rope_scaling goes before it; a difference is told", "rope_parameters.rope_theta": "rope_scaling goes before it; a difference is told"}),
		},
		{
			kind: "config.json, nested", inert: "config.json", file: "config.json", make: nestedModel, result: everything,
			other: with(visionKeys, tokenKeys, decoderValues("text_config."), map[string]string{"text_config": `{}`, "text_config.model_type": `"llama"`, "text_config.rope_parameters": `{"mrope_section": [3, 3, 2]}`,
				"text_config.rope_parameters.mrope_section": `[4, 2, 2]`, "text_config.rope_parameters.rope_theta": "44", "text_config.rope_parameters.rope_type": `"yarn"`, "text_config.rope_parameters.type": `"yarn"`,
				"text_config.rope_scaling": `{"mrope_section": [3, 3, 2]}`, "text_config.eos_token_id": `{"*eos_token_id": null, "*text_config.eos_token_id": "FIRST"}`,
				"text_config.rope_theta":          `{"*text_config.rope_theta": 3, "*text_config.rope_parameters": {"mrope_section": [2, 3, 3]}}`,
				"text_config.tie_word_embeddings": `{"*tie_word_embeddings": false, "*text_config.tie_word_embeddings": false}`}),
			nothing: with(idleKeys, besideText, map[string]string{"text_config.bos_token_id": idleKeys["bos_token_id"]}),
		},
		{
			kind: weights.PreprocessorName, inert: weights.PreprocessorName, file: weights.PreprocessorName, make: golden(file(weights.PreprocessorName, size)), result: everything,
			other: with(pixelKeys),
		},
		{
			kind: weights.VideoPreprocessorName, inert: weights.PreprocessorName, file: weights.VideoPreprocessorName, make: golden(file(weights.VideoPreprocessorName, size)), result: everything,
			other: with(pixelKeys, map[string]string{"cap_pixels_per_frame": `{"*cap_pixels_per_frame": true, "*max_video_tokens": 12}`, "max_video_tokens": `{"*cap_pixels_per_frame": true, "*max_video_tokens": 12}`, "do_sample_frames": "true"}),
		},
		{
			kind: weights.ProcessorName, file: weights.ProcessorName, make: golden(file(weights.ProcessorName, `{"processor_class": "Qwen2VLProcessor"}`)), result: everything,
			other: map[string]string{"image_processor": `{"max_pixels": 6272}`, "video_processor": `{"max_pixels": 6272, "min_pixels": 3136}`},
		},
		{
			kind: "generation_config.json", inert: "generation_config.json", file: "generation_config.json", make: written("generation_config.json", `{"eos_token_id": 1}`),
			result: parsed("generation_config.json", generationResult),
			other: map[string]string{
				"bad_words_ids": "[[1]]", "begin_suppress_tokens": "[1]", "bos_token_id": "3", "constraints": "[1]", "do_sample": "true", "dola_layers": `"high"`, "eos_token_id": "7",
				"exponential_decay_length_penalty": "[1, 2]", "force_words_ids": "[[1]]", "forced_bos_token_id": "0", "forced_decoder_ids": "[[1, 2]]", "forced_eos_token_id": "1",
				"max_new_tokens": "5", "min_p": "0.1", "pad_token_id": "3", "repetition_penalty": "1.1", "sequence_bias": `[[[1], 2]]`, "stop_strings": `"x"`, "suppress_tokens": "[1]",
				"temperature": "0.5", "token_healing": "true", "top_k": "3", "top_p": "0.5", "watermarking_config": `{"bias": 2}`,
				"num_beams": "2", "num_beam_groups": "2", "no_repeat_ngram_size": "2", "encoder_no_repeat_ngram_size": "2", "penalty_alpha": "0.5", "min_length": "2", "min_new_tokens": "2",
				"encoder_repetition_penalty": "2", "guidance_scale": "2", "diversity_penalty": "0.5", "num_return_sequences": "2",
			},
			nothing: map[string]string{"typical_p": "of sampling by the file's own settings", "epsilon_cutoff": "likewise", "eta_cutoff": "likewise", "top_h": "likewise"},
		},
		{
			kind: weights.ScoreHeadConfigName, file: weights.ScoreHeadConfigName, result: everything,
			make: func(t *testing.T) string {
				dir := filepath.Join(t.TempDir(), "model")
				if err := os.CopyFS(dir, os.DirFS(filepath.Join("demo", "model"))); err != nil {
					t.Fatal(err)
				}
				return dir
			},
			other: map[string]string{"hidden": "[3]", "input": `"model.norm"`, "pool": `"last"`, "targets": "[]", "targets[0].max": "2", "targets[0].mean": "7", "targets[0].min": "99", "targets[0].name": `"other"`, "targets[0].std": "3", "version": "2"},
		},
		{
			kind: weights.AdapterConfigName, file: weights.AdapterConfigName, result: parsed(weights.AdapterConfigName, weights.ParseAdapter),
			make: written(weights.AdapterConfigName, `{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}`),
			other: map[string]string{"alpha_pattern": `{"k_proj": 3}`, "bias": `"all"`, "ensure_weight_tying": "true", "exclude_modules": `["v_proj"]`, "init_lora_weights": `"pissa"`,
				"layers_pattern": `{"*layers_pattern": "blocks", "*layers_to_transform": [0]}`, "layers_to_transform": "[0]", "lora_alpha": "16", "lora_dropout": "0.5", "modules_to_save": `["norm"]`,
				"peft_type": `"IA3"`, "r": "8", "rank_pattern": `{"k_proj": 2}`, "target_modules": `["v_proj"]`, "use_dora": "true", "use_rslora": "true"},
		},
	}
}

// nestedModel is the golden model as transformers 5.24 saves it, without a generation_config.json.
func nestedModel(t *testing.T) string {
	golden, err := weights.OpenCheckpoint(filepath.Join("testdata", "golden", "model"))
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	dir := saved(t)["transformers-5.24.0"].build(t, golden)
	remove("generation_config.json")(t, dir)
	return dir
}

// with joins tables.
func with(tables ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range tables {
		maps.Copy(out, m)
	}
	return out
}

// decoderValues are other values of the decoder's keys, which lie in text_config or not.
func decoderValues(in string) map[string]string {
	slides := fmt.Sprintf(`{"*%suse_sliding_window": true, "*%ssliding_window": 16, "*%smax_window_layers": 0, "*%slayer_types": null}`, in, in, in, in)
	out := map[string]string{}
	for key, value := range map[string]string{
		"head_dim": "32", "hidden_act": `"gelu"`, "hidden_size": "32", "intermediate_size": "161", "layer_types": `["full_attention"]`, "max_position_embeddings": "30", "max_window_layers": slides,
		"num_attention_heads": "2", "num_hidden_layers": "2", "num_key_value_heads": "4", "rms_norm_eps": "0.1", "sliding_window": slides, "use_sliding_window": slides, "vocab_size": "600",
	} {
		out[in+key] = value
	}
	return out
}

var (
	tokenKeys = map[string]string{
		"eos_token_id": `"FIRST"`, "image_token_id": "565", "video_token_id": "565", "vision_start_token_id": "565", "vision_end_token_id": "565", "tie_word_embeddings": "false",
		"model_type": `"qwen2_5_vl"`, "vision_config": `{}`,
	}
	visionKeys = map[string]string{
		"vision_config.depth": "2", "vision_config.embed_dim": "32", "vision_config.hidden_act": `"gelu"`, "vision_config.hidden_size": "32", "vision_config.in_channels": "1", "vision_config.in_chans": "1",
		"vision_config.mlp_ratio": "2", "vision_config.model_type": `"clip"`, "vision_config.num_heads": "2", "vision_config.patch_size": "16", "vision_config.rope_parameters": `{"rope_theta": 77}`,
		"vision_config.rope_parameters.rope_theta": "77", "vision_config.rope_parameters.rope_type": `"yarn"`, "vision_config.rope_parameters.type": `"yarn"`,
		"vision_config.rope_scaling": `{"rope_theta": 77}`, "vision_config.rope_theta": `{"*vision_config.rope_theta": 77, "*vision_config.rope_parameters": null}`,
		"vision_config.spatial_merge_size": "4", "vision_config.temporal_patch_size": "1",
	}
	pixelKeys = map[string]string{
		"data_format": `"channels_last"`, "do_center_crop": "true", "do_convert_rgb": "false", "do_normalize": "false", "do_pad": "true", "do_rescale": "false", "do_resize": "false",
		"image_mean": "[0.5, 0.5, 0.5]", "image_processor_type": `"CLIPImageProcessor"`, "image_std": "[0.5, 0.5, 0.5]", "max_pixels": "6272", "merge_size": "1", "min_pixels": "23000",
		"patch_size": "16", "resample": "2", "rescale_factor": "0.5", "size": `{"shortest_edge": 3136, "longest_edge": 6272}`, "size.longest_edge": "6272", "size.shortest_edge": "23000",
		"size.max_pixels": `{"*size": {"min_pixels": 3136, "max_pixels": 6272}}`, "size.min_pixels": `{"*size": {"min_pixels": 23000, "max_pixels": 23520}}`, "temporal_patch_size": "1", "video_processor_type": `"Other"`,
	}
	idleKeys = map[string]string{
		"dtype": "the tensors' own types decide", "torch_dtype": "the tensors' own types decide", "transformers_version": "a label", "bos_token_id": "a prompt is never empty",
	}
	// idleValues are other values of the keys that change nothing.
	idleValues = with(decoderValues(""), map[string]string{
		"dtype": `"float16"`, "torch_dtype": `"float16"`, "transformers_version": `"9"`, "bos_token_id": "5", "text_config.bos_token_id": "5",
		"rope_parameters": `{"rope_theta": 3, "mrope_section": [4, 2, 2]}`, "rope_parameters.rope_theta": "3", "rope_scaling": `{"type": "mrope", "mrope_section": [4, 2, 2]}`, "rope_theta": "3",
		"typical_p": "0.5", "epsilon_cutoff": "0.5", "eta_cutoff": "0.5", "top_h": "0.5",
		"max_window_layers": "1", "sliding_window": "5", "use_sliding_window": "true",
	})
	// besideText are the decoder's keys beside text_config: transformers 5 reads them in text_config alone.
	besideText = func() map[string]string {
		out := map[string]string{}
		for _, key := range []string{"head_dim", "hidden_act", "hidden_size", "intermediate_size", "layer_types", "max_position_embeddings", "max_window_layers", "num_attention_heads", "num_hidden_layers",
			"num_key_value_heads", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta", "sliding_window", "use_sliding_window", "vocab_size"} {
			out[key] = "text_config is read, and a difference is told"
		}
		return out
	}()
)
