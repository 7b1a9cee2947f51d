package tour

import (
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/vit"
)

func (w *walk) resize() Step {
	p := w.Model.Processor
	unit := p.PatchSize * p.MergeSize
	height, width := w.grid[1]*p.PatchSize, w.grid[2]*p.PatchSize
	return Step{
		ID: "resize", Title: "Resize", Source: "vit/picture/smart_resize.go SmartResize, vit/picture/resize.go Resize",
		Text: fmt.Sprintf("The model has no fixed size of picture. It resizes each, with the bicubic filter that Pillow has, to a size near its own whose sides are multiples of %d, and whose area lies between two limits where the shape allows it. Every later number knows the picture only in this form.", unit),
		Facts: []Fact{
			{"as it was given", fmt.Sprintf("%d x %d pixels", w.Width, w.Height)},
			{"as the model sees it", fmt.Sprintf("%d x %d pixels", width, height)},
			{"scaled by", number(float64(width)/float64(w.Width)) + " across, " + number(float64(height)/float64(w.Height)) + " down"},
			{"limits of the area", fmt.Sprintf("%d to %d pixels; this one has %d", p.MinPixels, p.MaxPixels, width*height)},
		},
	}
}

func (w *walk) patches() Step {
	p := w.Model.Processor
	row := w.Prompt.Images.Pixels.Row(w.patch)
	area := p.PatchSize * p.PatchSize
	figure := &Figure{Kind: "rgb", Rows: p.PatchSize, Cols: p.PatchSize, Caption: "the followed patch, read back from its numbers"}
	bytes := func(i int) (rgb [3]float64) {
		for c := range 3 {
			rgb[c] = math.Round(255 * (float64(row[c*p.TemporalPatchSize*area+i])*p.Std[c] + p.Mean[c]))
		}
		return rgb
	}
	for i := range area {
		rgb := bytes(i)
		figure.Values = append(figure.Values, rgb[:]...)
	}
	first := bytes(0)
	embedded := w.at("visual.patch_embed", w.patch)
	return Step{
		ID: "patches", Title: "Patches", Source: "vit/picture/processor.go Processor.Image, vit/tower.go Tower.Forward", Taps: "visual.patch_embed", Figure: figure,
		Text: fmt.Sprintf("The picture is cut into squares of %d pixels. Each byte becomes a number near zero: divided by 255, less the mean of its channel, over that channel's spread. A picture stands for %d frames, as a video has, so each patch is there %d times. One linear map makes of all these numbers the patch's row in the residual stream. We follow the patch in %s, in the middle.", p.PatchSize, p.TemporalPatchSize, p.TemporalPatchSize, w.where()),
		Facts: []Fact{
			{"grid", fmt.Sprintf("%d rows x %d columns: %d patches", w.grid[1], w.grid[2], w.grid[1]*w.grid[2])},
			{"numbers in a patch", fmt.Sprintf("3 channels x %d frames x %d x %d = %d", p.TemporalPatchSize, p.PatchSize, p.PatchSize, len(row))},
			{"its first pixel", fmt.Sprintf("red %.0f, green %.0f, blue %.0f", first[0], first[1], first[2])},
			{"as the model reads it", few([]float32{row[0], row[p.TemporalPatchSize*area], row[2*p.TemporalPatchSize*area]}, 3)},
			{"its place in the model's order", fmt.Sprintf("%d of %d: blocks of %d x %d patches come one after the other", w.patch+1, w.grid[1]*w.grid[2], w.merge, w.merge)},
			{"its row in the stream", fmt.Sprintf("%d numbers: %s", len(embedded), few(embedded, 4))},
			{"the row's length", number(length(embedded))},
		},
	}
}

func (w *walk) rotary() Step {
	cfg := w.Model.Config.Vision
	d := cfg.EmbedDim / cfg.NumHeads
	freqs := num.RotaryFrequencies(d/2, cfg.RopeTheta) // as vit's rotary
	before, after := w.at("visual.blocks.0.attn.qkv", w.patch), w.at("visual.blocks.0.attn.q", w.patch)
	figure := &Figure{Kind: "bars", Caption: "radians by which each pair of the patch's query turns"}
	for i, f := range freqs {
		figure.Values, figure.Labels = append(figure.Values, float64(float32(w.row)*f)), append(figure.Labels, fmt.Sprintf("row %d", i+1))
	}
	for i, f := range freqs {
		figure.Values, figure.Labels = append(figure.Values, float64(float32(w.col)*f)), append(figure.Labels, fmt.Sprintf("column %d", i+1))
	}
	angle := float64(float32(w.row) * freqs[0])
	a, b := float64(before[0]), float64(before[d/2])
	return Step{
		ID: "rotary", Title: "Rotary positions", Source: "vit/rotary.go Tower.rotary, kernels/tensor/rotary.go Run.Rotate", Taps: "visual.blocks.0.attn.q*", Figure: figure,
		Text: fmt.Sprintf("Attention by itself does not know where a patch lies. In it each patch has three rows more, each by a linear map of its row in the stream: a *query*, which asks; a *key*, which the queries of all patches are compared with; and a *value*, which is what a patch hands on to those that look at it. To tell where a patch lies, each query and each key is turned: its numbers are taken in pairs, and each pair turns by an angle that grows with the patch's row (the first half of the pairs) or its column (the second half). The product of a query and a key then depends on how far apart their patches are. Here is the first of %d pairs of head 0 in block 0.", d/2),
		Facts: []Fact{
			{"the pair before", number(a) + ", " + number(b)},
			{"turned by", fmt.Sprintf("%s radians: row %d (from 0) x frequency %s", number(angle), w.row, number(freqs[0]))},
			{"by hand", number(a*math.Cos(angle)-b*math.Sin(angle)) + ", " + number(b*math.Cos(angle)+a*math.Sin(angle))},
			{"in the model", number(after[0]) + ", " + number(after[d/2])},
			{"the slowest pair turns by", number(float64(float32(w.row)*freqs[len(freqs)-1])) + " radians"},
		},
	}
}

func (w *walk) head() Step {
	cfg := w.Model.Config.Vision
	d := cfg.EmbedDim / cfg.NumHeads
	n := w.grid[1] * w.grid[2]
	scores, probs := w.at(w.blockTap("attn.scores.0"), w.patch), w.at(w.blockTap("attn.probs.0"), w.patch) // of head 0
	figure := &Figure{Kind: "grid", Rows: w.grid[1], Cols: w.grid[2], Values: make([]float64, n), Caption: "where the followed patch looks: head 0"}
	best, entropy := 0, 0.0
	order := vit.PatchOrder(w.grid, w.merge)
	for i, p := range probs {
		figure.Values[order[i].Row*w.grid[2]+order[i].Col] = float64(p)
		if p > probs[best] {
			best = i
		}
		if p > 0 {
			entropy -= float64(p) * math.Log(float64(p))
		}
	}
	return Step{
		ID: "head", Title: "One head", Source: "vit/block.go Attention.Attend, kernels/tensor/attention.go Run.AttentionVarlen", Taps: w.blockTap("attn.*"), Figure: figure,
		Look: &Look{Tower: "vision", Layer: w.block, Head: 0, Cell: w.row*w.grid[2] + w.col},
		Text: fmt.Sprintf("In head 0 of block %d the followed patch's query is multiplied with the key of every patch. The products, over the square root of %d, are scores; softmax makes shares of them that add up to one. The head hands on the sum of all patches' values, each as much as its share.", w.block, d),
		Facts: []Fact{
			{"its score for itself", number(scores[w.patch])},
			{"its share for itself", percent(probs[w.patch])},
			{"it looks most at", fmt.Sprintf("the patch in %s: score %s, share %s", place(order[best].Row, order[best].Col), number(scores[best]), percent(probs[best]))},
			{"an even look would give", percent(1/float64(n)) + " to each patch"},
			{"entropy", fmt.Sprintf("%s nats of at most %s", number(entropy), number(math.Log(float64(n))))},
		},
	}
}

func (w *walk) merger() Step {
	cfg := w.Model.Config.Vision
	block := w.merge * w.merge
	out := w.at("visual.merger", w.patch/block)
	first := w.patch / block * block
	order := vit.PatchOrder(w.grid, w.merge)
	last := order[first+block-1]
	return Step{
		ID: "merger", Title: "Merger", Source: "vit/qwen2vl.go Qwen2VLMerger.Forward", Taps: "visual.merger*",
		Text: fmt.Sprintf("After %d blocks, each square of %d x %d patches becomes one picture token: their rows are normed, laid side by side and sent through two linear maps with a GELU between, which lets large numbers pass and holds back those below zero. The result has the width of the language model, which from here on sees the picture as so many tokens.", cfg.Depth, w.merge, w.merge),
		Facts: []Fact{
			{"the followed patch's square", fmt.Sprintf("%s to %s", place(order[first].Row, order[first].Col), place(last.Row, last.Col))},
			{"numbers in", fmt.Sprintf("%d rows of %d", block, cfg.EmbedDim)},
			{"numbers out", fmt.Sprintf("%d: %s", len(out), few(out, 4))},
			{"the token's length", number(length(out))},
			{"picture tokens", fmt.Sprintf("%d / %d = %d", w.grid[1]*w.grid[2], block, len(w.Prompt.Images.At))},
		},
	}
}
