package weights

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// The file names of an adapter, as PEFT writes them.
const (
	AdapterConfigName  = "adapter_config.json"
	AdapterWeightsName = "adapter_model.safetensors"
)

// AdapterConfig is what loupe reads of adapter_config.json: LoRA without extras (Hu et al., arXiv 2106.09685; PEFT's
// LoraConfig).
type AdapterConfig struct {
	Rank          int
	Alpha         float64
	Dropout       float64
	RSLoRA        bool               // scale by alpha/sqrt(rank), not alpha/rank
	TargetModules []string           // names or ends of names of modules, sorted
	Exclude       string             // a pattern of modules left out; "" for none
	RankPattern   map[string]int     // ranks of modules whose name ends so
	AlphaPattern  map[string]float64 // likewise
}

// RankOf is the rank of the branch of the module of that name.
func (c *AdapterConfig) RankOf(module string) int { return patternOf(c.RankPattern, module, c.Rank) }

// Scale is what a branch of the module of that name is multiplied by.
func (c *AdapterConfig) Scale(module string) float64 {
	rank, alpha := float64(c.RankOf(module)), patternOf(c.AlphaPattern, module, c.Alpha)
	if c.RSLoRA {
		return alpha / math.Sqrt(rank)
	}
	return alpha / rank
}

// patternOf is the value of the key that a module's name ends with, or is, as PEFT reads it. The key may be of either naming:
// an adapter may have been made with any version of transformers.
func patternOf[T any](patterns map[string]T, module string, otherwise T) T {
	for _, key := range sortedKeys(patterns) {
		re, err := regexp.Compile(`^(.*\.)?(` + key + `)$`)
		if err == nil && (re.MatchString(module) || re.MatchString(ModuleName(module))) {
			return patterns[key]
		}
	}
	return otherwise
}

// plain are the keys of adapter_config.json that change what the adapter computes, with the values that mean "not used".
var plain = map[string][]any{
	"bias": {"none"}, "use_dora": {false}, "fan_in_fan_out": {false}, "modules_to_save": {nil}, "layers_to_transform": {nil},
	"layer_replication": {nil}, "target_parameters": {nil}, "trainable_token_indices": {nil}, "lora_bias": {false},
	"use_qalora": {false}, "use_bdlora": {false, nil}, "alora_invocation_tokens": {nil}, "arrow_config": {nil}, "monteclora_config": {nil},
	"kasa_config": {nil},
}

// ReadAdapter reads and checks an adapter_config.json. Kinds of adapters other than plain LoRA are errors.
func ReadAdapter(path string) (*AdapterConfig, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read adapter: %w", err)
	}
	return ParseAdapter(path, data)
}

// ParseAdapter checks an adapter_config.json; file stands for it in errors.
func ParseAdapter(file string, data []byte) (*AdapterConfig, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	if kind, _ := obj["peft_type"].(string); kind != "LORA" {
		f.fail("peft_type", "is %.40q; only LORA is read", kind)
	}
	for _, key := range sortedKeys(plain) {
		if v, there := obj[key]; there && !slices.Contains(plain[key], v) {
			f.fail(key, "is set; only plain LoRA is read: merge the adapter into the model, or train without it")
		}
	}
	c := &AdapterConfig{
		Rank:         f.integer("r", 1, 1<<16),
		Alpha:        f.number("lora_alpha", -1e6, 1e6),
		RSLoRA:       f.boolOr("use_rslora", false),
		RankPattern:  map[string]int{},
		AlphaPattern: map[string]float64{},
	}
	if f.has("lora_dropout") {
		c.Dropout = f.number("lora_dropout", 0, 1)
	}
	ranks, alphas := f.scope("rank_pattern"), f.scope("alpha_pattern")
	for _, key := range sortedKeys(ranks.obj) {
		c.RankPattern[key] = ranks.integer(key, 1, 1<<16)
	}
	for _, key := range sortedKeys(alphas.obj) {
		c.AlphaPattern[key] = alphas.number(key, -1e6, 1e6)
	}
	switch modules := obj["target_modules"].(type) {
	case string:
		c.TargetModules = []string{modules}
	case []any:
		for _, m := range modules {
			name, _ := m.(string)
			c.TargetModules = append(c.TargetModules, name)
		}
	}
	if *f.err != nil {
		return nil, *f.err
	}
	return c, nil
}

// WriteAdapter writes an adapter_config.json that PEFT reads, atomically. base names the model that the adapter belongs to.
func WriteAdapter(path string, c *AdapterConfig, base string) error {
	out := map[string]any{
		"peft_type": "LORA", "task_type": nil, "base_model_name_or_path": base, "inference_mode": true,
		"auto_mapping": map[string]string{"base_model_class": "Qwen2VLForConditionalGeneration", "parent_library": "transformers.models.qwen2_vl.modeling_qwen2_vl"},
		"r":            c.Rank, "lora_alpha": c.Alpha, "lora_dropout": c.Dropout, "use_rslora": c.RSLoRA, "bias": "none",
		"fan_in_fan_out": false, "init_lora_weights": true, "use_dora": false, "modules_to_save": nil, "layers_to_transform": nil,
		"layers_pattern": nil, "target_modules": c.TargetModules, "rank_pattern": orEmpty(c.RankPattern), "alpha_pattern": orEmpty(c.AlphaPattern),
	}
	if c.Exclude != "" {
		out["exclude_modules"] = c.Exclude
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return WriteFileAtomic(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

func orEmpty[T any](m map[string]T) map[string]T {
	if m == nil {
		return map[string]T{}
	}
	return m
}

// AdapterPart splits the name of an adapter's tensor, "base_model.model.model.language_model.layers.0.mlp.up_proj.lora_A.weight",
// into the canonical name of the module and "A" or "B". Both namings of modules are read, and PEFT's names of adapters
// (lora_A.default.weight).
func AdapterPart(stored string) (module, part string, ok bool) {
	name, ok := strings.CutPrefix(stored, "base_model.model.")
	if !ok {
		return "", "", false
	}
	for _, part := range []string{"A", "B"} {
		for _, end := range []string{".lora_" + part + ".weight", ".lora_" + part + ".default.weight"} {
			if module, ok := strings.CutSuffix(name, end); ok {
				return strings.TrimSuffix(CanonicalName(module+"."), "."), part, true
			}
		}
	}
	return "", "", false
}

// AdapterName is the inverse of AdapterPart for a model of transformers 4.52 or later, as PEFT writes it.
func AdapterName(module, part string) string {
	return "base_model.model." + ModuleName(module) + ".lora_" + part + ".weight"
}

// ModuleName is the name in transformers 4.52 or later of a module with a canonical name.
func ModuleName(module string) string {
	switch {
	case strings.HasPrefix(module, "visual."):
		return "model." + module
	case strings.HasPrefix(module, "model."):
		return "model.language_model." + strings.TrimPrefix(module, "model.")
	}
	return module
}

// HasAdapter reports whether dir holds an adapter.
func HasAdapter(dir string) bool {
	_, err := os.Stat(dir + string(os.PathSeparator) + AdapterConfigName)
	return err == nil
}
