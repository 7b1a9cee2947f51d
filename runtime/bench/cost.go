package bench

import (
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// Cost is the least that a computation takes: floating-point operations, a multiplication and an addition counted as two,
// and bytes read from memory. Both count matrix products alone; norms, activations and softmax, which are a few in a
// thousand, are not in it, nor are activations, which caches hold.
type Cost struct{ FLOP, Bytes float64 }

// Text is the cost of n tokens after past tokens, with the logits of the last one. With d = hidden_size, k =
// num_key_value_heads*head_dim, m = intermediate_size, L layers and a vocabulary of v, the weights that a token meets in a
// layer and in all are
//
//	P = d*(2*d + 2*k) + 3*d*m    (q and o, k and v; gate, up and down)
//	W = L*P + v*d                (and lm_head)
//
// and token i of the sequence attends to i+1 keys and values of each head, so that
//
//	FLOP  = 2*n*L*P + 4*L*q*(n*past + n*(n+1)/2) + 2*v*d
//	bytes = W*size + 4*2*L*k*(past + n)
//
// where size is that of a weight, and the cache holds float32. A prompt that is read in several chunks reads the weights
// as many times; the least is once.
func Text(c weights.TextConfig, size float64, past, n int) Cost {
	d, m := float64(c.HiddenSize), float64(c.IntermediateSize)
	q, k := float64(c.NumAttentionHeads*c.HeadDim), float64(c.NumKeyValueHeads*c.HeadDim)
	layers, head := float64(c.NumHiddenLayers), float64(c.VocabSize)*d
	p := d*(2*q+2*k) + 3*d*m
	before, tokens := float64(past), float64(n)
	return Cost{
		FLOP:  2*tokens*layers*p + 4*layers*q*(tokens*before+tokens*(tokens+1)/2) + 2*head,
		Bytes: (layers*p+head)*size + 4*2*layers*k*(before+tokens),
	}
}

// Image is the cost of the vision tower over pictures of N patches in all. Each patch attends to the n patches of its own frame. With
// d = embed_dim, f = mlp_ratio*d, B blocks, a merger of s = spatial_merge_size² patches, and c and h the widths of a patch
// and of the decoder,
//
//	W     = c*d + B*(4*d² + 2*d*f)    (patch_embed; qkv and proj, fc1 and fc2)
//	M     = (s*d)² + s*d*h            (the merger's two layers, once for s patches)
//	FLOP  = 2*N*W + 4*B*d*N*n + 2*N/s*M
//	bytes = (W + M)*size
func Image(c weights.VisionConfig, size float64, grids ...vit.Grid) Cost {
	d, f, blocks := float64(c.EmbedDim), float64(c.MLPDim()), float64(c.Depth)
	s := float64(c.SpatialMergeSize * c.SpatialMergeSize)
	w := float64(c.PatchDim())*d + blocks*(4*d*d+2*d*f)
	m := s*d*s*d + s*d*float64(c.OutHiddenSize)
	cost := Cost{Bytes: (w + m) * size}
	for _, g := range grids {
		n := float64(g[1] * g[2])
		all := float64(g[0]) * n
		cost.FLOP += 2*all*w + 4*blocks*d*all*n + 2*all/s*m
	}
	return cost
}

// Learning is the cost of a LoRA training step: forward over the pictures and n tokens, with the logits before each token
// of the answer, and backward to the inputs of every linear map, which costs as much again. The branches themselves, and
// what is recomputed to save memory, are not counted. visual and text are the bytes of a weight.
func Learning(c *weights.Config, visual, text float64, grids []vit.Grid, n, answer int) Cost {
	once := Image(c.Vision, visual, grids...).plus(Text(c.Text, text, 0, n))
	once.FLOP += 2 * float64(answer-1) * float64(c.Text.VocabSize) * float64(c.Text.HiddenSize)
	return once.plus(once)
}

// plus is the cost of both.
func (c Cost) plus(d Cost) Cost { return Cost{c.FLOP + d.FLOP, c.Bytes + d.Bytes} }
