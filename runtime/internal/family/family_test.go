package family

import (
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels/meta"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// TestEveryFamilyIsWhole: each family whose configuration can be read has a tower and a decoder, and no other has.
func TestEveryFamilyIsWhole(t *testing.T) {
	var read, run []string
	for _, f := range weights.Families() {
		read = append(read, f.ModelType)
	}
	for _, f := range All {
		run = append(run, f.Files.ModelType)
		if f.Tower == nil || f.Tower.Block == nil || f.Tower.Merger == nil || f.Tower.Segments == nil || f.Decoder == nil || f.Decoder.Axes == nil || f.Decoder.Positions == nil {
			t.Errorf("%s lacks a part", f.Files.Name)
		}
		if got, err := Of(&weights.Config{ModelType: f.Files.ModelType}); err != nil || got != f {
			t.Errorf("the family of %s is %v, %v", f.Files.ModelType, got, err)
		}
	}
	if !slices.Equal(read, run) {
		t.Errorf("configurations are read of %v, and towers and decoders are there for %v", read, run)
	}
	if f, err := Of(&weights.Config{ModelType: "llama"}); err == nil {
		t.Errorf("llama is of the family %s", f.Files.Name)
	}
}

// empty is a source of tensors of every name that hold zeros.
type empty struct{}

func (empty) Has(string) bool { return false }

func (empty) Tensor(name string, shape ...int) (weights.Tensor, error) {
	n := 4
	for _, d := range shape {
		n *= d
	}
	return weights.Tensor{Name: name, Stored: name, DType: weights.F32, Shape: shape, Data: make([]byte, n)}, nil
}

// TestModules: the modules that adapters may name are those that the tower and the decoder have, with the biases that they have.
func TestModules(t *testing.T) {
	cfg := &weights.Config{
		Text: weights.TextConfig{HiddenSize: 12, IntermediateSize: 10, NumHiddenLayers: 2, NumAttentionHeads: 3, NumKeyValueHeads: 1, HeadDim: 4, VocabSize: 7,
			MropeSection: []int{1, 1, 0}},
		Vision: weights.VisionConfig{Depth: 2, EmbedDim: 8, NumHeads: 2, MLPRatio: 2, OutHiddenSize: 12, PatchSize: 2, TemporalPatchSize: 2, SpatialMergeSize: 2, InChannels: 3},
	}
	type module struct {
		name string
		norm bool
		bias bool
	}
	for _, f := range All {
		cfg.ModelType = f.Files.ModelType
		var want, got []module
		for _, m := range cfg.Modules() {
			switch m.Kind {
			case weights.LinearModule, weights.ConvModule:
				want = append(want, module{m.Name, false, m.Bias})
			case weights.NormModule:
				want = append(want, module{m.Name, true, m.Bias})
			}
		}
		p := weights.NewParams(empty{}, meta.Device{})
		tower, decoder := f.Load(p, cfg)
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		for _, l := range slices.Concat(tower.Linears(), decoder.Linears(), []*tensor.Linear{decoder.LMHead}) {
			got = append(got, module{l.Name, false, !l.Bias.None()})
		}
		for _, n := range append(tower.Norms(), decoder.Norms()...) {
			got = append(got, module{n.Name, true, !n.Bias.None()})
		}
		for _, m := range want {
			if !slices.Contains(got, m) {
				t.Errorf("%s: adapters may name %+v, which the model does not have", f.Files.Name, m)
			}
		}
		for _, m := range got {
			if !slices.Contains(want, m) {
				t.Errorf("%s: the model has %+v, which no adapter may name", f.Files.Name, m)
			}
		}
	}
}
