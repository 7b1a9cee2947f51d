package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// besideWeights are the files of a model directory that go with its weights.
var besideWeights = []string{
	"config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt",
	"chat_template.json", "chat_template.jinja",
}

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
	for _, name := range besideWeights {
		data, err := fs.ReadFile(m.Files(), name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && name == "config.json" && dtype != "" {
			data, err = withDType(data, dtype)
		}
		if err == nil {
			err = weights.WriteFileAtomic(filepath.Join(dir, name), func(w io.Writer) error { _, err := w.Write(data); return err })
		}
		if err != nil {
			return fmt.Errorf("write model: %w", err)
		}
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
