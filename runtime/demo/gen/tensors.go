package main

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/loupe-vl/loupe/weights"
)

// newSource is the random source of one thing, by name, so that no tensor's values depend on another's.
func newSource(name string) *rand.PCG {
	h := fnv.New64a()
	h.Write([]byte(name)) // a hash.Hash never fails
	return rand.NewPCG(seed, h.Sum64())
}

// normal is a near-normal number of mean 0 and variance 1: the sum of twelve uniform integers of 16 bits, less its mean
// (Irwin-Hall). Every step is exact, so it is the same on every machine.
func normal(r *rand.PCG) float64 {
	sum := 0
	for range 3 {
		x := r.Uint64()
		sum += int(x&0xffff) + int(x>>16&0xffff) + int(x>>32&0xffff) + int(x>>48)
	}
	return float64(2*sum-12*0xffff) / (2 << 16)
}

// values are n numbers around center with the given deviation.
func values(name string, n int, center, deviation float64) []float32 {
	r := newSource(name)
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(center + float64(deviation*normal(r)))
	}
	return out
}

// builder collects the tensors of the checkpoint, all bf16.
type builder []weights.Named

func (b *builder) add(name string, center, deviation float64, shape ...int) {
	n := 1
	for _, s := range shape {
		n *= s
	}
	*b = append(*b, weights.FromBF16(name, shape, values(name, n, center, deviation)))
}

// matrix adds a weight of the given shape, outputs first; its deviation is gain over the root of the inputs.
func (b *builder) matrix(name string, gain float64, shape ...int) {
	in := 1
	for _, s := range shape[1:] {
		in *= s
	}
	b.add(name+".weight", 0, gain/math.Sqrt(float64(in)), shape...)
}

// linear adds a matrix and its bias, which starts at 0.
func (b *builder) linear(name string, gain float64, out, in int) {
	b.matrix(name, gain, out, in)
	b.add(name+".bias", 0, 0, out)
}

func (b *builder) rmsNorm(name string, n int) { b.add(name+".weight", 1, 0, n) }

func (b *builder) layerNorm(name string, n int) {
	b.rmsNorm(name, n)
	b.add(name+".bias", 0, 0, n)
}

// modelTensors are the tensors of model.safetensors under their published names.
func modelTensors() []weights.Named {
	var b builder
	b.visionTower(vision)
	b.decoder(text)
	return b
}

// branch is the gain of a matrix whose result joins the residual stream, to which each of n layers adds twice: their sum
// has the deviation of one (Radford et al., Language Models are Unsupervised Multitask Learners, section 2.3).
func branch(n int) float64 { return 1 / math.Sqrt(float64(2*n)) }

func (b *builder) visionTower(c weights.VisionConfig) {
	e := c.EmbedDim
	b.patchFilters("visual.patch_embed.proj.weight", c)
	for i := range c.Depth {
		at := fmt.Sprintf("visual.blocks.%d.", i)
		b.layerNorm(at+"norm1", e)
		b.linear(at+"attn.qkv", 1, 3*e, e)
		b.linear(at+"attn.proj", branch(c.Depth), e, e)
		b.layerNorm(at+"norm2", e)
		b.linear(at+"mlp.fc1", 1, c.MLPDim(), e)
		b.linear(at+"mlp.fc2", branch(c.Depth), e, c.MLPDim())
	}
	joined := e * c.SpatialMergeSize * c.SpatialMergeSize
	b.layerNorm("visual.merger.ln_q", e)
	b.linear("visual.merger.mlp.0", 1, joined, joined)
	b.linear("visual.merger.mlp.2", 1, c.OutHiddenSize, joined)
}

func (b *builder) decoder(c weights.TextConfig) {
	h, kv := c.HiddenSize, c.NumKeyValueHeads*c.HeadDim
	b.add("model.embed_tokens.weight", 0, 0.05, c.VocabSize, h)
	for i := range c.NumHiddenLayers {
		at := fmt.Sprintf("model.layers.%d.", i)
		b.rmsNorm(at+"input_layernorm", h)
		b.linear(at+"self_attn.q_proj", 1, h, h)
		b.linear(at+"self_attn.k_proj", 1, kv, h)
		b.linear(at+"self_attn.v_proj", 1, kv, h)
		b.matrix(at+"self_attn.o_proj", branch(c.NumHiddenLayers), h, h)
		b.rmsNorm(at+"post_attention_layernorm", h)
		b.matrix(at+"mlp.gate_proj", 1, c.IntermediateSize, h)
		b.matrix(at+"mlp.up_proj", 1, c.IntermediateSize, h)
		b.matrix(at+"mlp.down_proj", branch(c.NumHiddenLayers), h, c.IntermediateSize)
	}
	b.rmsNorm("model.norm", h)
}
