package weights

import "testing"

// TestHeadInput: every tap that a head may read is one value, whose name and width come back from it.
func TestHeadInput(t *testing.T) {
	c := &Config{Text: TextConfig{HiddenSize: 64}, Vision: VisionConfig{Depth: 3, EmbedDim: 48, OutHiddenSize: 64}}
	for _, in := range []struct {
		tap   string
		want  HeadInput
		tower bool
		block int // -1: none
		width int
	}{
		{"visual.merger", MergerInput, true, -1, 64},
		{"visual.blocks.0.out", BlockInput(0), true, 0, 48},
		{"visual.blocks.2.out", BlockInput(2), true, 2, 48},
		{"model.norm", NormInput, false, -1, 64},
	} {
		got, err := ParseHeadInput(in.tap)
		if err != nil || got != in.want || got.Tap() != in.tap || got.FromTower() != in.tower {
			t.Errorf("%s is %+v, %v", in.tap, got, err)
		}
		if n, ok := got.Block(); ok != (in.block >= 0) || ok && n != in.block {
			t.Errorf("%s is of block %d, %v", in.tap, n, ok)
		}
		if n, err := got.Width(c); err != nil || n != in.width {
			t.Errorf("%s has %d columns, %v; want %d", in.tap, n, err, in.width)
		}
	}
	_, err := BlockInput(3).Width(c)
	wantError(t, err, "visual.blocks.3.out", "visual.blocks.2.out")
	for _, tap := range []string{"", "visual", "visual.blocks.01.out", "visual.blocks.-1.out", "visual.blocks.10000.out", "visual.merger.ln_q", "model.layers.0.out"} {
		_, err := ParseHeadInput(tap)
		wantError(t, err, "visual.blocks.N.out")
	}
}
