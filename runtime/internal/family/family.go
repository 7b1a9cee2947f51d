package family

import (
	"fmt"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// Family is a model family: everything that is not common to all of them, or where it is said.
type Family struct {
	Files   *weights.Family // what a model's files hold: configuration, tensors' modules
	Tower   *vit.Family     // the vision tower
	Decoder *decoder.Family // the language model
}

// Qwen2VL is Qwen2-VL (arXiv 2409.12191).
var Qwen2VL = Family{Files: weights.Qwen2VL, Tower: &vit.Qwen2VL, Decoder: &decoder.Qwen2VL}

// All are the families that loupe runs.
var All = []*Family{&Qwen2VL}

// Of is the family of a model. A configuration that was read has one; of one that was not, an error says so.
func Of(cfg *weights.Config) (*Family, error) {
	for _, f := range All {
		if f.Files == cfg.Family() {
			return f, nil
		}
	}
	return nil, fmt.Errorf("no family of models has the model_type %q", cfg.ModelType)
}

// Load builds both parts of a model of the family from p, whose error tells what was missing.
func (f *Family) Load(p *weights.Params, cfg *weights.Config) (*vit.Tower, *decoder.Model) {
	return vit.Load(p, cfg.Vision, f.Tower), decoder.Load(p, cfg.Text, f.Decoder)
}
