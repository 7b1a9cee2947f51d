package loupe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Linears lists the linear maps of both towers in the order of the computation, without lm_head: what an adapter can have a
// branch beside.
func (m *Model) Linears() []*tensor.Linear {
	out := []*tensor.Linear{m.Tower.PatchEmbed}
	for _, b := range m.Tower.Blocks {
		out = append(out, b.QKV, b.Proj, b.FC1, b.FC2)
	}
	out = append(out, m.Tower.Merger.MLP0, m.Tower.Merger.MLP2)
	for _, l := range m.Decoder.Layers {
		out = append(out, l.Q, l.K, l.V, l.O, l.Gate, l.Up, l.Down)
	}
	return out
}

// loadAdapter puts a branch beside each linear map that the adapter in dir names. Nothing is silent: a tensor for a module
// that the model does not have, or of another shape, is an error.
func (m *Model) loadAdapter(dir string) error {
	cfg, err := weights.ReadAdapter(filepath.Join(dir, weights.AdapterConfigName))
	if err != nil {
		return fmt.Errorf("%w; --adapter takes a directory as PEFT writes it", err)
	}
	file := filepath.Join(dir, weights.AdapterWeightsName)
	if m.adapterFile, err = weights.OpenCheckpointFile(file); err != nil {
		return err
	}
	stored := map[string]map[string]string{} // by module and part
	for _, t := range m.adapterFile.Tensors() {
		module, part, ok := weights.AdapterPart(t.Stored)
		if !ok {
			return fmt.Errorf("%s: tensor %q is no part of a LoRA adapter", file, t.Stored)
		}
		if stored[module] == nil {
			stored[module] = map[string]string{}
		}
		if stored[module][part] != "" {
			return fmt.Errorf("%s: tensor %q is there twice, under two names", file, t.Stored)
		}
		stored[module][part] = t.Name
	}
	m.Adapter = cfg
	p := weights.NewParams(m.adapterFile)
	for _, l := range m.Linears() {
		names := stored[l.Name]
		if names == nil {
			continue
		}
		if names["A"] == "" || names["B"] == "" {
			return fmt.Errorf("%s: %s has one half of its branch; lora_A and lora_B belong together", file, l.Name)
		}
		rank := cfg.RankOf(l.Name)
		l.LoRA = &tensor.LoRA{
			A: p.Matrix(names["A"], rank, l.W.Cols), B: p.Matrix(names["B"], l.W.Rows, rank),
			Scale: float32(cfg.Scale(l.Name)), Dropout: float32(cfg.Dropout),
		}
		delete(stored, l.Name)
	}
	for module := range stored {
		return fmt.Errorf("%s: it has a branch for %s, which this model does not have; is it an adapter of another model?", file, module)
	}
	return p.Err()
}

// headDir is where the score head is looked for: --head, or the adapter's directory if it holds one, or beside the model.
func (o Options) headDir() string {
	if o.Head == "" && o.Adapter != "" {
		if _, err := os.Stat(filepath.Join(o.Adapter, weights.ScoreHeadConfigName)); !errors.Is(err, fs.ErrNotExist) {
			return o.Adapter
		}
	}
	return o.Head
}
