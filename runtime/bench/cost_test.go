package bench

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// small are widths with different prime factors, so that no two terms can stand for each other.
var (
	smallText   = weights.TextConfig{HiddenSize: 12, IntermediateSize: 10, NumHiddenLayers: 2, NumAttentionHeads: 3, NumKeyValueHeads: 1, HeadDim: 4, VocabSize: 7}
	smallVision = weights.VisionConfig{Depth: 3, EmbedDim: 4, NumHeads: 2, MLPRatio: 5, OutHiddenSize: 12, PatchSize: 1, TemporalPatchSize: 2, SpatialMergeSize: 2, InChannels: 3}
)

// TestText against counts by hand. A layer has q and o of 12 x 12, k and v of 4 x 12, three matrices of 10 x 12: 744 weights;
// lm_head has 84. Attention at token i is 2 products of i+1 rows of 12.
func TestText(t *testing.T) {
	for _, c := range []struct {
		name    string
		past, n int
		size    float64
		want    Cost
	}{
		{"the first token", 0, 1, 2, Cost{FLOP: 2*(2*744+2*2*12) + 2*84, Bytes: 2*(2*744+84) + 2*2*1*4*4}},
		{"three tokens", 0, 3, 2, Cost{FLOP: 2*(3*2*744+2*2*12*(1+2+3)) + 2*84, Bytes: 2*(2*744+84) + 2*2*3*4*4}},
		{"one after three", 3, 1, 2, Cost{FLOP: 2*(2*744+2*2*12*4) + 2*84, Bytes: 2*(2*744+84) + 2*2*4*4*4}},
		{"two after three, float32", 3, 2, 4, Cost{FLOP: 2*(2*2*744+2*2*12*(4+5)) + 2*84, Bytes: 4*(2*744+84) + 2*2*5*4*4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, Text(smallText, c.size, c.past, c.n)); d != "" {
				t.Errorf("cost (-want +got):\n%s", d)
			}
		})
	}
}

// TestImage against counts by hand. patch_embed is 4 x 6; a block qkv 12 x 4, proj 4 x 4 and twice 20 x 4: 224 weights; the
// merger 16 x 16 and 12 x 16: 448, once for 4 patches.
func TestImage(t *testing.T) {
	bytes := 2.0 * (24 + 3*224 + 448)
	for _, c := range []struct {
		name  string
		grids []vit.Grid
		want  Cost
	}{
		{"four patches", []vit.Grid{{1, 2, 2}}, Cost{FLOP: 2 * (4*24 + 3*(4*224+2*4*4*4) + 448), Bytes: bytes}},
		{"two frames of four", []vit.Grid{{2, 2, 2}}, Cost{FLOP: 2 * 2 * (4*24 + 3*(4*224+2*4*4*4) + 448), Bytes: bytes}},
		{"eight patches", []vit.Grid{{1, 2, 4}}, Cost{FLOP: 2 * (8*24 + 3*(8*224+2*8*8*4) + 2*448), Bytes: bytes}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, Image(smallVision, 2, c.grids...)); d != "" {
				t.Errorf("cost (-want +got):\n%s", d)
			}
		})
	}
}

// TestCostOfALoadedModel: the weights that the formulas count are those of the matrices that a model really has.
func TestCostOfALoadedModel(t *testing.T) {
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	count := func(linears ...*tensor.Linear) (n float64) {
		for _, l := range linears {
			n += float64(l.W.Rows * l.W.Cols)
		}
		return n
	}
	text := count(m.Decoder.LMHead) + count(m.Decoder.Linears()...)
	if got := Text(m.Config.Text, 2, 0, 0).Bytes; got != 2*text {
		t.Errorf("the decoder's matrices are %v bytes, counted as %v", 2*text, got)
	}
	vision := count(m.Tower.Linears()...)
	if got := Image(m.Config.Vision, 2).Bytes; got != 2*vision {
		t.Errorf("the tower's matrices are %v bytes, counted as %v", 2*vision, got)
	}
	// Two tokens read one after the other take what they take together, but for the logits of the first.
	a, b := Text(m.Config.Text, 2, 5, 1).plus(Text(m.Config.Text, 2, 6, 1)), Text(m.Config.Text, 2, 5, 2)
	if got, want := a.FLOP-b.FLOP, 2*count(m.Decoder.LMHead); got != want {
		t.Errorf("two steps cost %v FLOP more than one of two tokens, want %v", got, want)
	}
}

// TestWeightBytes: what a weight takes in each precision, with its part of the scales: of 128 weights of 8 bits, 130 bytes, of
// 4 bits 70, with multiples. Widths that are no multiple of 32 are padded.
func TestWeightBytes(t *testing.T) {
	for _, c := range []struct {
		precision      string
		vision, text   float64
		visionTo, upTo float64 // more, for padding and for what is kept in more bits
	}{
		{"exact", 2, 2, 2, 2}, {"bf16", 2, 2, 2, 2}, {"int8", 130.0 / 128, 130.0 / 128, 1.7, 1.4}, {"int4", 130.0 / 128, 70.0 / 128, 1.7, 1.4},
	} {
		m, err := loupe.Embedded(loupe.Options{Precision: c.precision})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if v := m.Stored().WeightBytes("visual."); v < c.vision || v > c.visionTo {
			t.Errorf("%s: %v bytes for a weight of the tower, want %v to %v", c.precision, v, c.vision, c.visionTo)
		}
		if v := m.Stored().WeightBytes("model."); v < c.text || v > c.upTo {
			t.Errorf("%s: %v bytes for a weight of the decoder, want %v to %v", c.precision, v, c.text, c.upTo)
		}
	}
}
