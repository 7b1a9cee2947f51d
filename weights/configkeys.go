package weights

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// qwen2VLDecoderKeys lie at the top level of the flat layout and in text_config of the
// other. The rope_* ones are read from both places, so they are listed too;
// tie_word_embeddings and the token ids have rules of their own.
var qwen2VLDecoderKeys = []string{
	"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
	"vocab_size", "max_position_embeddings", "rms_norm_eps", "hidden_act", "head_dim", "rope_theta",
	"rope_scaling", "rope_parameters", "use_sliding_window", "sliding_window", "max_window_layers", "layer_types",
}

// qwen2VLDecoderOptions are those of them that may be absent from text_config
// and lie beside it: they ask for nothing there.
var qwen2VLDecoderOptions = []string{"head_dim", "use_sliding_window", "sliding_window", "max_window_layers", "layer_types", "hidden_act"}

func ropeKey(key string) bool {
	return key == "rope_theta" || key == "rope_scaling" || key == "rope_parameters"
}

// DemonstrationKey is true in the config.json of a model that was made from loupe's demonstration model. Whoever loads such a model is
// told that it knows painted pictures only.
const DemonstrationKey = "loupe_demonstration"

// configInert are the keys of a config.json that are known and change nothing
// that loupe computes, each with the reason.
var configInert = withReasons(map[string]string{
	"a label": "architectures model_type _name_or_path name_or_path transformers_version _commit_hash auto_map processor_class tokenizer_class " +
		"unsloth_version unsloth_fixed id2label label2id problem_type finetuning_task prefix model_name " + DemonstrationKey,
	"the tensors' own types decide":         "torch_dtype dtype",
	"of training":                           "attention_dropout hidden_dropout initializer_range tf_legacy_loss gradient_checkpointing keys_to_ignore_at_inference task_specific_params num_labels",
	"of a trainer's own settings":           trainerKeys,
	"how transformers runs":                 "use_cache use_bfloat16 torchscript chunk_size_feed_forward output_attentions output_hidden_states output_scores return_dict return_dict_in_generate remove_invalid_values is_decoder attn_implementation _attn_implementation _attn_implementation_autoset _attn_implementation_internal _flash_attn_2_enabled use_flash_attn use_flash_attention use_flash_attention_2",
	"of decoding, read by Generation alone": "bad_words_ids begin_suppress_tokens suppress_tokens diversity_penalty do_sample early_stopping encoder_no_repeat_ngram_size exponential_decay_length_penalty forced_bos_token_id forced_eos_token_id length_penalty max_length min_length no_repeat_ngram_size num_beam_groups num_beams num_return_sequences repetition_penalty temperature top_k top_p typical_p",
	"no code reads it":                      "spatial_patch_size vision_token_id",
	"padding is not used":                   "pad_token_id",
	"not of this kind of model":             "sep_token_id decoder_start_token_id",
	"read elsewhere in the file":            "image_token_id video_token_id vision_start_token_id vision_end_token_id bos_token_id eos_token_id tie_word_embeddings",
})

// trainerKeys are what trainers leave in a config.json whose names speak of
// mathematics and mean the training.
const trainerKeys = "train_batch_size eval_batch_size micro_batch_size per_device_train_batch_size per_device_eval_batch_size gradient_accumulation_steps " +
	"sequence_len max_seq_length tokenizer_model_max_length tokenizer_padding_side model_max_length group_by_length hub_model_id " +
	"freeze_vit freeze_llm freeze_vision_tower freeze_merger freeze_aligner tune_merger vision_lr merger_lr lora_enable num_lora_modules use_liger use_liger_kernel"

// withReasons turns reasons with their keys into keys with their reason.
func withReasons(reasons map[string]string) map[string]string {
	out := map[string]string{}
	for reason, keys := range reasons {
		for _, key := range strings.Fields(keys) {
			out[key] = reason
		}
	}
	return out
}

// mathWords are words that a key speaks of mathematics with. An unknown key
// that holds one, with a value that is not inert, is an error: the file asks
// for something that loupe would silently leave out.
var mathWords = []string{
	"rope", "rotary", "theta", "mrope", "attn", "attention", "norm", "qk", "act", "activation", "mlp", "ffn", "moe",
	"expert", "experts", "window", "sliding", "scale", "scaling", "multiplier", "softcap", "softcapping", "cap",
	"quant", "quantization", "compression", "bits", "bias", "head", "heads", "layer", "layers", "block", "blocks", "dim", "size",
	"depth", "residual", "embedding", "embeddings", "embed", "patch", "merge", "merger", "pool", "pooling", "conv",
	"mask", "causal", "eps", "epsilon", "alpha", "beta", "channels", "chans", "encoder", "pruned", "parallel", "tp", "lora",
}

// unknown lists the keys of the scope that were neither read nor known, with
// their prefix; one that speaks of mathematics is an error.
func (f *fields) unknown() []string {
	var out []string
	for _, key := range sortedKeys(f.obj) {
		if f.read[key] || configInert[key] != "" || inert(f.obj[key]) {
			continue
		}
		for _, word := range strings.Split(strings.ToLower(key), "_") {
			if slices.Contains(mathWords, word) {
				f.fail(key, "is not known, and by its name it changes the mathematics; loupe would leave it out, so it refuses")
			}
		}
		out = append(out, f.prefix+key)
	}
	return out
}

// inert reports whether a value asks for nothing: null, false, zero or empty.
func inert(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		x, err := v.Float64()
		return err == nil && x == 0
	case []any:
		return len(v) == 0
	case object:
		return len(v) == 0
	}
	return false
}

// equalValues compares parsed values, numbers by value. Of objects it compares
// what both have, except the kind of rope: "mrope" in one place and "default"
// in the other mean the same, and each is checked where it is read.
func equalValues(a, b any) bool {
	if p, ok := a.(object); ok {
		q, ok := b.(object)
		for key, v := range p {
			if w := q[key]; ok && w != nil && v != nil && key != "type" && key != "rope_type" {
				ok = equalValues(v, w)
			}
		}
		return ok
	}
	x, okx := a.(json.Number)
	y, oky := b.(json.Number)
	if okx && oky {
		p, perr := x.Float64()
		q, qerr := y.Float64()
		return perr == nil && qerr == nil && p == q
	}
	return reflect.DeepEqual(a, b)
}
