package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights"
)

// write puts the result into the output directory: the adapter or the whole model, the score head, and the optimiser's state.
func (r *run) write() error {
	var model, head []*Param
	for _, p := range r.params {
		if r.head[p] {
			head = append(head, p)
		} else {
			model = append(model, p)
		}
	}
	out := func(name string) string { return filepath.Join(r.o.Out, name) }
	if r.o.Full {
		if err := r.writeModel(model); err != nil {
			return err
		}
	} else {
		if err := weights.Write(out(weights.AdapterWeightsName), tensors(model), map[string]string{"format": "pt"}); err != nil {
			return fmt.Errorf("write adapter: %w", err)
		}
		if err := weights.WriteAdapter(out(weights.AdapterConfigName), r.m.Adapter, r.m.Dir); err != nil {
			return fmt.Errorf("write adapter: %w", err)
		}
	}
	if r.m.Head != nil {
		if err := weights.Write(out(weights.ScoreHeadWeightsName), tensors(head), nil); err != nil {
			return fmt.Errorf("write score head: %w", err)
		}
		if err := weights.WriteScoreHead(out(weights.ScoreHeadConfigName), &r.m.Head.Config); err != nil {
			return fmt.Errorf("write score head: %w", err)
		}
	}
	if err := weights.Write(out(optimizerName), r.opt.moments(r.params), nil); err != nil {
		return fmt.Errorf("write optimiser: %w", err)
	}
	return nil
}

// writeModel writes a model directory: what learned in float32, what did not as it was, and the files beside the weights.
func (r *run) writeModel(learned []*Param) error {
	byName := map[string]*Param{}
	for _, p := range learned {
		byName[p.Name] = p
	}
	var all []weights.Named
	for _, t := range r.m.Checkpoint().Tensors() {
		if t.Name == "lm_head.weight" && r.m.Config.Text.TieWordEmbeddings {
			continue // the other end of a tie
		}
		if p := byName[t.Name]; p != nil {
			all = append(all, weights.FromF32(t.Name, t.Shape, p.Value))
		} else {
			all = append(all, weights.FromTensor(t.Name, t))
		}
	}
	if err := weights.Write(filepath.Join(r.o.Out, weights.SingleName), all, map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	for _, name := range []string{"config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "chat_template.json", "chat_template.jinja"} {
		data, err := fs.ReadFile(r.m.Files(), name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && name == "config.json" {
			data, err = float32Config(data)
		}
		if err == nil {
			err = weights.WriteFileAtomic(filepath.Join(r.o.Out, name), func(w io.Writer) error { _, err := w.Write(data); return err })
		}
		if err != nil {
			return fmt.Errorf("write model: %w", err)
		}
	}
	return nil
}

// float32Config is a config.json whose weights are float32 now.
func float32Config(data []byte) ([]byte, error) {
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, err
	}
	for _, key := range []string{"torch_dtype", "dtype"} {
		if _, there := c[key]; there {
			c[key] = "float32"
		}
	}
	return json.MarshalIndent(c, "", "  ")
}
