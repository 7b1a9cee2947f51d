package weights

import (
	"encoding/json"
	"slices"
	"strings"
)

// The keys of adapter_config.json, as PEFT 0.10 to 0.21 write them for LoRA (peft/tuners/lora/config.py, peft/config.py). Those
// that ParseAdapter reads into an AdapterConfig are in neither table. A key that is in none of the three is an error, unless it
// holds nothing: it may be of a newer PEFT and change what the adapter computes.

// inertKeys change nothing that an adapter with its weights computes.
var inertKeys = map[string]string{
	"auto_mapping":            "names the class of the base",
	"base_model_name_or_path": "says where the base was; loupe.Load is told where it is",
	"corda_config":            "used by one init_lora_weights only, which is refused",
	"eva_config":              "how A was initialized; the ranks that it chose are in rank_pattern",
	"fan_in_fan_out":          "for Conv1D layers; PEFT sets it to false for torch.nn.Linear, and Qwen2-VL has no other",
	"inference_mode":          "whether PEFT lets the weights learn",
	"loftq_config":            "used by one init_lora_weights only, which is refused",
	"lora_dtype":              "ms-swift's; the type in which the weights learned",
	"lora_ga_config":          "used by one init_lora_weights only, which is refused",
	"lorap_emb_lr":            "ms-swift's; a learning rate",
	"lorap_lr_ratio":          "ms-swift's; a learning rate",
	"megatron_core":           "where megatron_config's classes are, which is refused",
	"peft_version":            "what wrote the file",
	"qalora_group_size":       "of use_qalora, which is refused",
	"revision":                "of the base",
	"runtime_config":          "PEFT drops it when it reads the file",
	"task_type":               "names PEFT's wrapper, which changes no weight",
}

// refusedKeys change what the adapter computes, in ways that loupe does not compute. Without a value, they are not used.
var refusedKeys = map[string]string{
	"alora_invocation_tokens": "activates the branches from some tokens on",
	"arrow_config":            "routes between adapters",
	"kasa_config":             "takes singular values out of the base's weights",
	"layer_replication":       "repeats layers of the base",
	"lora_bias":               "adds a bias to each branch",
	"megatron_config":         "is for Megatron's parallel layers",
	"monteclora_config":       "samples the branches",
	"target_parameters":       "adapts parameters that belong to no linear map",
	"trainable_token_indices": "replaces rows of the embedding",
	"use_bdlora":              "makes branches block-diagonal",
	"use_qalora":              "pools the inputs of branches",
	"velora_config":           "learns with compressed activations",
}

// checkKeys refuses what is set and would not be honored.
func (c *AdapterConfig) checkKeys(f *fields) {
	for _, key := range sortedKeys(f.obj) {
		_, inert := inertKeys[key]
		what, refused := refusedKeys[key]
		switch {
		case inert || slices.Contains(readKeys, key) || holdsNothing(f.obj[key]):
		case refused:
			f.fail(key, "is set: it %s, which loupe does not compute. Merge the adapter into its base with PEFT (merge_and_unload, save_pretrained) and give that to loupe.Load, or train without it", what)
		default:
			f.fail(key, "is no key that loupe knows, and it may change what the adapter computes; take it out if it does not, else merge the adapter into its base with PEFT and give that to loupe.Load")
		}
	}
}

// readKeys are those that ParseAdapter reads.
var readKeys = []string{
	"peft_type", "r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "bias", "target_modules", "exclude_modules", "layers_to_transform",
	"layers_pattern", "rank_pattern", "alpha_pattern", "modules_to_save", "init_lora_weights", "ensure_weight_tying",
}

// holdsNothing reports whether a value means that its key is not used.
func holdsNothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case object:
		return len(v) == 0
	}
	return false
}

// checkInit refuses an adapter whose initialization took something out of the base's weights: PEFT computes with what it leaves,
// or, for LoRA-GA, leaves it to the user to bring the changed base.
func (c *AdapterConfig) checkInit(f *fields) {
	v := f.value("init_lora_weights")
	how, isText := v.(string)
	if _, isBool := v.(bool); v == nil || isBool {
		return
	}
	if !isText {
		f.fail("init_lora_weights", "is %s; it must be a string, true or false", kindOf(v))
		return
	}
	switch lower := strings.ToLower(how); {
	case slices.Contains([]string{"gaussian", "eva", "orthogonal", "mica"}, lower):
	case strings.HasPrefix(lower, "pissa"), strings.HasPrefix(lower, "corda"), lower == "olora", lower == "loftq", lower == "lora_ga":
		f.fail("init_lora_weights", "is %.40q: that initialization changes the base's weights, which the branches alone do not bring back. "+
			"Convert the adapter to plain LoRA with PEFT, save_pretrained(..., path_initial_model_for_weight_conversion=...), or merge it there and give the merged model to loupe.Load", how)
	default:
		f.fail("init_lora_weights", "is %.40q, which PEFT 0.21 does not know", how)
	}
}

// memberOrder lists the names within the object under key of a document that was parsed before, in the order of the file: PEFT
// takes the first pattern that matches.
func memberOrder(data []byte, key string) []string {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(string(members[key])))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	var names []string
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return nil
		}
		names = append(names, name.(string)) // a name of an object is a string
	}
	return names
}
