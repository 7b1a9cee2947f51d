package weights

import "strconv"

// ModuleKind is what a module of the model is to an adapter.
type ModuleKind int

// The kinds of modules: torch.nn.Linear, Conv3d and Embedding, which can have a branch; norms, which have weights; and what has
// no weights of its own: containers, activations, rotary embeddings.
const (
	OtherModule ModuleKind = iota
	LinearModule
	ConvModule
	EmbeddingModule
	NormModule
)

// Module is a module of Qwen2VLForConditionalGeneration under its canonical name (see CanonicalName).
type Module struct {
	Name string
	Kind ModuleKind
	Bias bool // it has one
}

// Modules lists the modules of the model in the order in which the reference builds them, containers before what they hold, so
// that an adapter's names and patterns meet what PEFT holds them against.
func (c *Config) Modules() []Module {
	var out []Module
	add := func(kind ModuleKind, bias bool, names ...string) {
		for _, name := range names {
			out = append(out, Module{name, kind, bias})
		}
	}
	add(OtherModule, false, "visual", "visual.patch_embed")
	add(ConvModule, false, "visual.patch_embed.proj")
	add(OtherModule, false, "visual.rotary_pos_emb", "visual.blocks")
	for i := range c.Vision.Depth {
		b := "visual.blocks." + strconv.Itoa(i)
		add(OtherModule, false, b)
		add(NormModule, true, b+".norm1", b+".norm2")
		add(OtherModule, false, b+".attn")
		add(LinearModule, true, b+".attn.qkv", b+".attn.proj")
		add(OtherModule, false, b+".mlp")
		add(LinearModule, true, b+".mlp.fc1")
		add(OtherModule, false, b+".mlp.act")
		add(LinearModule, true, b+".mlp.fc2")
	}
	add(OtherModule, false, "visual.merger")
	add(NormModule, true, "visual.merger.ln_q")
	add(OtherModule, false, "visual.merger.mlp")
	add(LinearModule, true, "visual.merger.mlp.0")
	add(OtherModule, false, "visual.merger.mlp.1")
	add(LinearModule, true, "visual.merger.mlp.2")
	add(OtherModule, false, "model")
	add(EmbeddingModule, false, "model.embed_tokens")
	add(OtherModule, false, "model.layers")
	for i := range c.Text.NumHiddenLayers {
		l := "model.layers." + strconv.Itoa(i)
		add(OtherModule, false, l, l+".self_attn")
		add(LinearModule, true, l+".self_attn.q_proj", l+".self_attn.k_proj", l+".self_attn.v_proj")
		add(LinearModule, false, l+".self_attn.o_proj")
		add(OtherModule, false, l+".mlp")
		add(LinearModule, false, l+".mlp.gate_proj", l+".mlp.up_proj", l+".mlp.down_proj")
		add(OtherModule, false, l+".mlp.act_fn")
		add(NormModule, false, l+".input_layernorm", l+".post_attention_layernorm")
	}
	add(NormModule, false, "model.norm")
	add(OtherModule, false, "model.rotary_emb")
	add(LinearModule, false, "lm_head")
	return out
}
