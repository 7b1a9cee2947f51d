package train

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// writeModel writes a model directory of m's checkpoint with other weights: of returns the tensor to write in place of one.
// dtype is written to config.json, as transformers names it; "" leaves that as it is. untie writes lm_head, which the model
// ties to the embedding, as a weight of its own.
func writeModel(dir string, m *loupe.Model, dtype string, untie bool, of func(weights.Tensor) weights.Named) error {
	var all []weights.Named
	for _, t := range m.Stored().Checkpoint().Tensors() {
		if t.Name == "lm_head.weight" && m.Config.Text.TieWordEmbeddings {
			continue // the other end of a tie
		}
		all = append(all, of(t))
		if t.Name == "model.embed_tokens.weight" && untie {
			t.Name = "lm_head.weight"
			all = append(all, of(t))
		}
	}
	if err := weights.Write(filepath.Join(dir, weights.SingleName), all, map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	err := m.Stored().CopyBeside(dir, func(name string, data []byte) ([]byte, error) {
		if name == "config.json" {
			return edited(data, dtype, untie)
		}
		return data, nil
	})
	if err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	return nil
}

// edited is a config.json for weights of another dtype, in its text_config and vision_config too, and, with untie, for an
// lm_head that is no longer the embedding.
func edited(data []byte, dtype string, untie bool) ([]byte, error) {
	if dtype == "" && !untie {
		return data, nil
	}
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, err
	}
	if untie {
		c["tie_word_embeddings"] = false
	}
	for _, part := range []any{c, c["text_config"], c["vision_config"]} {
		part, ok := part.(map[string]any)
		if !ok {
			continue
		}
		for _, key := range []string{"torch_dtype", "dtype"} {
			if _, there := part[key]; there && dtype != "" {
				part[key] = dtype
			}
		}
		if _, there := part["tie_word_embeddings"]; there && untie {
			part["tie_word_embeddings"] = false
		}
	}
	return json.MarshalIndent(c, "", "  ")
}
