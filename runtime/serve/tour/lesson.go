package tour

import (
	"fmt"

	"github.com/loupe-vl/loupe/vit/picture"
)

// Paper is where a step was first written down.
type Paper struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// lesson is the explanation of a step: why it is there, and its formula.
type lesson struct {
	why, formula string
	papers       []Paper
}

var (
	qwen2VL   = Paper{"Wang and others, Qwen2-VL: Enhancing Vision-Language Model's Perception of the World at Any Resolution", "https://arxiv.org/abs/2409.12191"}
	attention = Paper{"Vaswani and others, Attention Is All You Need", "https://arxiv.org/abs/1706.03762"}
	roFormer  = Paper{"Su and others, RoFormer: Enhanced Transformer with Rotary Position Embedding", "https://arxiv.org/abs/2104.09864"}
)

// resizeFormula is what picture.SmartResize does, for a factor of the merger's side in pixels.
const resizeFormula = `height' = %[1]d · round(height / %[1]d)            width' likewise; halves go to the even number
if height'·width' > most:        β = √(height·width / most),     height' = max(%[1]d, %[1]d · ⌊height / β / %[1]d⌋)
else if height'·width' < least:  β = √(least / (height·width)),  height' = %[1]d · ⌈height · β / %[1]d⌉`

// thin is what becomes of a long thin picture, in words.
func thin(p picture.Processor) string {
	const height, width = 17, 585
	h, w, err := picture.SmartResize(height, width, p.PatchSize*p.MergeSize, p.MinPixels, p.MaxPixels)
	if err != nil { // a model of huge patches
		return fmt.Sprintf("%d x %d pixels are not resized (%v)", width, height, err)
	}
	return fmt.Sprintf("%d x %d pixels become %d x %d, which are %d", width, height, w, h, w*h)
}

// lesson is the lesson of the step of that name.
func (w *walk) lesson(id string) lesson {
	p, vision, text := w.Model.Processor, w.Model.Config.Vision, w.Model.Config.Text
	switch d := vision.EmbedDim / vision.NumHeads; id {
	case "resize":
		return lesson{
			why:     fmt.Sprintf("Attention among patches grows with the square of their number, so a picture's area is its price, and the two limits set it. A picture nearly keeps its shape: a wide painting stays wide, and is not pressed into a square. The sides are multiples of two patches because the merger will later join patches two by two. The upper limit comes first, and what it gives is not held to the lower one. A long thin picture can pass the upper limit, because no side becomes less than %d: %s. Pictures with one side more than 200 times the other are refused.", p.PatchSize*p.MergeSize, thin(p)),
			formula: fmt.Sprintf(resizeFormula, p.PatchSize*p.MergeSize),
			papers:  []Paper{qwen2VL, {"Keys, Cubic Convolution Interpolation for Digital Image Processing", "https://doi.org/10.1109/TASSP.1981.1163711"}},
		}
	case "patches":
		return lesson{
			why: "A transformer reads rows of numbers, as it does with the tokens of a text. Cutting makes such rows of a picture; a patch is a token of it, and is small enough that one linear map can say what is in it. The channels are centered because the weights were learned on numbers near zero. A square of patches that the merger will join lies together in the order of the model, which is why that order is not line by line.",
			formula: `x = (byte / 255 − mean of channel) / spread of channel
e = W x                                          no bias; W is visual.patch_embed.proj`,
			papers: []Paper{{"Dosovitskiy and others, An Image is Worth 16x16 Words", "https://arxiv.org/abs/2010.11929"}},
		}
	case "rotary":
		return lesson{
			why: "Nothing else tells the tower where a patch lies: attention gives the same sum in whatever order the patches come. Turning puts the place into the angle of queries and keys and leaves their length alone. Since a product of two turned rows depends only on the difference of their angles, what is learned of two neighbors holds anywhere in the picture, and in pictures of other sizes.",
			formula: fmt.Sprintf(`frequency(j) = %.0f^(−j / %d)     j = 0 … %d
angle        = row · frequency(j)  for pair j,   column · frequency(j)  for pair %d + j
(a, b)       → (a cos angle − b sin angle,  b cos angle + a sin angle)   where a is number j of the head, b number j + %d`, vision.RopeTheta, d/4, d/4-1, d/4, d/2),
			papers: []Paper{roFormer, qwen2VL},
		}
	case "head":
		return lesson{
			why: "This is the only place in the tower where patches learn of each other; everything else treats each alone. The root keeps scores of long rows from growing until softmax sees nothing but the largest. There are several heads because one softmax can look in one way only: one head may follow edges while another gathers the color of the whole.",
			formula: fmt.Sprintf(`score(i, j) = q(i) · k(j) / √%d
share(i, j) = exp(score(i, j)) / Σ over all patches m of exp(score(i, m))
head(i)     = Σ over all patches j of share(i, j) · v(j)`, d),
			papers: []Paper{attention},
		}
	case "merger":
		return lesson{
			why: fmt.Sprintf("Every token costs the language model a pass through all of its layers, and neighboring patches say much the same: %d of them become one, for a quarter of the price at merge size 2. Laid side by side, and not averaged, they keep which of them was where. The two maps also turn rows of the tower into rows such as the language model reads.", w.merge*w.merge),
			formula: `m = [norm(x₁), norm(x₂), norm(x₃), norm(x₄)]        the rows of one square
y = W₂ gelu(W₀ m + b₀) + b₂                      visual.merger.mlp.0 and mlp.2
gelu(z) = z · Φ(z)                               Φ(z): the part of a normal distribution that lies below z`,
			papers: []Paper{qwen2VL, {"Ba, Kiros and Hinton, Layer Normalization", "https://arxiv.org/abs/1607.06450"}, {"Hendrycks and Gimpel, Gaussian Error Linear Units", "https://arxiv.org/abs/1606.08415"}},
		}
	case "mrope":
		return lesson{
			why: "In a row of tokens, two that lie above each other in the picture would be a whole line apart. With a height and a width of their own they are neighbors again. And a picture takes up only as many positions as its longer side has tokens, so that the words after it do not begin far out, where the model has seen little.",
			formula: fmt.Sprintf(`text token:     time = height = width = next;   next ← next + 1
picture token:  (time, height, width) = (start, start + row, start + column);   after it next ← start + max(rows, columns)
angle(j)     =  position(axis of pair j) · %.0f^(−j / %d)     the first %d pairs have the axis time, the next %d height, the last %d width`, text.RopeTheta, text.HeadDim/2, text.MropeSection[0], text.MropeSection[1], text.MropeSection[2]),
			papers: []Paper{qwen2VL, roFormer},
		}
	case "layer":
		return lesson{
			why: "A layer adds to the stream and never replaces it: what an early layer found is still there for a late one, gradients reach the first layer unhindered, and the final stream is a sum that can be taken apart (`loupe lens --what direct` does). Attention brings facts from other tokens, the perceptron works on what is there. Tokens look back only, since a token must not know those after it; this also lets keys and values be kept from step to step.",
			formula: `x ← x + W_o attention(norm(x))                         norm(x) = x / √(mean(x²) + ε) · weight
x ← x + W_down (silu(W_gate norm(x)) ⊙ W_up norm(x))   silu(z) = z / (1 + exp(−z))`,
			papers: []Paper{attention, {"Zhang and Sennrich, Root Mean Square Layer Normalization", "https://arxiv.org/abs/1910.07467"}, {"Shazeer, GLU Variants Improve Transformer", "https://arxiv.org/abs/2002.05202"}, {"Ainslie and others, GQA: Training Generalized Multi-Query Transformer Models", "https://arxiv.org/abs/2305.13245"}},
		}
	case "logits":
		return lesson{
			why: "The model does not choose a token: it gives each of them a number, and choosing is left to who asks. That is why the same model can be greedy or playful, and why a second-best token can be looked at.",
			formula: `logit(token) = W_token · norm(x_last)     W is lm_head, or the embedding itself where the two are tied
p(token)     = exp(logit(token)) / Σ over all tokens of exp(logit)`,
			papers: []Paper{attention, {"Press and Wolf, Using the Output Embedding to Improve Language Models", "https://arxiv.org/abs/1608.05859"}},
		}
	}
	return lesson{
		why: "A score that is read out of words is coarse, and what made it cannot be told. A head is trained on the number itself. While it is linear, the mean of the rows and the sum over their columns can change places, and each row has a share of its own: the explanation is no guess beside the model, it is the model's own sum in another order.",
		formula: `score    = spread · (b + w · mean over tokens i of y(i)) + mean
share(i) = spread · w · y(i) / tokens     score = (spread · b + mean) + Σ share(i)     if the head is one linear layer`,
		papers: []Paper{{"Zhou and others, Learning Deep Features for Discriminative Localization, which divides a class's logit in this way", "https://arxiv.org/abs/1512.04150"}},
	}
}
