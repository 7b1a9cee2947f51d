package tour

import (
	"fmt"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// Excerpt is the beginning of one row of a tensor that a step computes.
type Excerpt struct {
	Name    string    `json:"name"`  // of the tap, or of the tensor in a trace's file
	Shape   []int     `json:"shape"` // of the whole tensor
	Row     string    `json:"row"`   // which row, in words
	Numbers []float32 `json:"numbers"`
}

// excerptLength is how many numbers of a row are shown.
const excerptLength = 6

// excerpts are the tensors of the step of that name, in the order of the computation.
func (w *walk) excerpts(id string) []Excerpt {
	vision := w.Model.Config.Vision
	last := len(w.Prompt.IDs) - 1
	patch, token := fmt.Sprintf("patch %d", w.patch), fmt.Sprintf("picture token %d", w.patch/(w.merge*w.merge))
	end := fmt.Sprintf("token %d, the last", last)
	switch id {
	case "patches":
		pixels := w.Prompt.Images.Pixels
		return []Excerpt{
			excerpt(loupe.Tap{Name: "pixel_values", Shape: []int{pixels.Rows, pixels.Cols}, Data: pixels.Floats()}, w.patch, patch),
			excerpt(w.taps["visual.patch_embed"], w.patch, patch),
		}
	case "rotary":
		return []Excerpt{
			excerpt(w.taps["visual.blocks.0.attn.qkv"], w.patch, patch),
			excerpt(w.taps["visual.blocks.0.attn.q"], w.patch, patch),
		}
	case "head":
		of := patch + ", head 0"
		return []Excerpt{
			excerpt(w.taps[w.blockTap("attn.scores.0")], w.patch, of),
			excerpt(w.taps[w.blockTap("attn.probs.0")], w.patch, of),
			excerpt(w.taps[w.blockTap("attn.heads")], w.patch, of),
		}
	case "merger":
		return []Excerpt{
			excerpt(w.taps[lastBlock(vision.Depth)], w.patch, patch),
			excerpt(w.taps["visual.merger.ln_q"], w.patch, patch),
			excerpt(w.taps["visual.merger"], w.patch/(w.merge*w.merge), token),
		}
	case "mrope":
		of := fmt.Sprintf("token %d, head 0", w.token)
		return []Excerpt{
			excerpt(w.taps["model.embed_tokens"], w.token, fmt.Sprintf("token %d", w.token)),
			excerpt(w.taps["model.layers.0.self_attn.q_proj"], w.token, of),
			excerpt(w.taps["model.layers.0.self_attn.q"], w.token, of),
		}
	case "layer":
		return []Excerpt{
			excerpt(w.taps[w.layerTap("self_attn.probs")], last, end+", head 0"),
			excerpt(w.taps[w.layerTap("self_attn.out")], last, end),
			excerpt(w.taps[w.layerTap("mlp.out")], last, end),
			excerpt(w.taps[w.layerTap("out")], last, end),
		}
	case "logits":
		logits := Excerpt{Name: "lm_head", Shape: []int{len(w.Prompt.IDs), len(w.last)}, Row: end, Numbers: w.last[:min(excerptLength, len(w.last))]}
		return []Excerpt{excerpt(w.taps["model.norm"], last, end), logits}
	case "score":
		return []Excerpt{
			excerpt(w.taps["score_head.pooled"], 0, "the only one"),
			excerpt(w.taps["score_head"], 0, "a number for each target"),
		}
	}
	return nil
}

// excerpt is the beginning of row i of a tap; of one with heads, of the first head.
func excerpt(t loupe.Tap, i int, row string) Excerpt {
	cols := t.Shape[len(t.Shape)-1]
	return Excerpt{t.Name, t.Shape, row, slices.Clone(t.Data[i*cols:][:min(excerptLength, cols)])}
}

func lastBlock(depth int) string { return fmt.Sprintf("visual.blocks.%d.out", depth-1) }
