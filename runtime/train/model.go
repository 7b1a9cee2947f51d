package train

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// writeModel writes a model directory of m's checkpoint with other weights: of gives what takes a tensor's place. dtype is what
// config.json then says of them, as transformers names it; "": what it says.
func writeModel(dir string, m *loupe.Model, dtype string, of func(weights.Tensor) weights.Named) error {
	var all []weights.Named
	for _, t := range m.Checkpoint().Tensors() {
		if t.Name == "lm_head.weight" && m.Config.Text.TieWordEmbeddings {
			continue // the other end of a tie
		}
		all = append(all, of(t))
	}
	if err := weights.Write(filepath.Join(dir, weights.SingleName), all, map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	err := m.CopyBeside(dir, func(name string, data []byte) ([]byte, error) {
		if name == "config.json" && dtype != "" {
			return withDType(data, dtype)
		}
		return data, nil
	})
	if err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	return nil
}

// withDType is a config.json whose weights are of another type now, in its text_config and vision_config too.
func withDType(data []byte, dtype string) ([]byte, error) {
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, err
	}
	for _, part := range []any{c, c["text_config"], c["vision_config"]} {
		if part, ok := part.(map[string]any); ok {
			for _, key := range []string{"torch_dtype", "dtype"} {
				if _, there := part[key]; there {
					part[key] = dtype
				}
			}
		}
	}
	return json.MarshalIndent(c, "", "  ")
}
