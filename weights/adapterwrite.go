package weights

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/loupe-vl/loupe/weights/disk"
)

// WriteAdapter writes an adapter_config.json that PEFT reads, atomically. base names the model that the adapter belongs to, which
// is of a family.
func WriteAdapter(path string, c *AdapterConfig, base string, of *Family) error {
	out := map[string]any{
		"peft_type": "LORA", "task_type": nil, "base_model_name_or_path": base, "inference_mode": true,
		"auto_mapping": map[string]string{"base_model_class": of.Class, "parent_library": of.Library},
		"r":            c.Rank, "lora_alpha": c.Alpha, "lora_dropout": c.Dropout, "use_rslora": c.RSLoRA, "bias": c.Bias,
		"fan_in_fan_out": false, "init_lora_weights": true, "use_dora": c.DoRA, "modules_to_save": nil, "layers_to_transform": nil,
		"layers_pattern": nil, "target_modules": c.TargetModules, "rank_pattern": patternMap(c.RankPattern), "alpha_pattern": patternMap(c.AlphaPattern),
	}
	if c.Bias == "" {
		out["bias"] = "none"
	}
	if len(c.ModulesToSave) > 0 {
		out["modules_to_save"] = c.ModulesToSave
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return disk.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// patternMap is patterns as JSON holds them. They must not depend on their order, which JSON sorts by name.
func patternMap(patterns []ModulePattern) map[string]float64 {
	out := map[string]float64{}
	for _, p := range patterns {
		out[p.Pattern] = p.Value
	}
	return out
}
