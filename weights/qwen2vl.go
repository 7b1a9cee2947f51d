package weights

import (
	"fmt"
	"strconv"
)

// Qwen2VL is Qwen2-VL: heads that divide the width of the decoder, full attention everywhere, quick GELU in the tower.
var Qwen2VL = &Family{
	Name: "Qwen2-VL", ModelType: "qwen2_vl", textTypes: []string{"qwen2_vl_text", "qwen2_vl"}, visionTypes: []string{"qwen2_vl", "qwen2_vl_vision"},
	imageProcessors: []string{"Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast", "Qwen2VLImageProcessorPil"}, videoProcessors: []string{"Qwen2VLVideoProcessor"},
	Class: "Qwen2VLForConditionalGeneration", Library: "transformers.models.qwen2_vl.modeling_qwen2_vl",
	class: &qwen2VLClass, decoderKeys: qwen2VLDecoderKeys, decoderOptions: qwen2VLDecoderOptions, outKey: "hidden_size",
	text: readQwen2VLText, vision: readQwen2VLVision, modules: qwen2VLModules,
}

func readQwen2VLText(m *Family, top, f *fields) TextConfig {
	d, w := m.class.Text, m.class.Window
	c := TextConfig{
		HiddenSize:            f.integerOf("hidden_size", 1, 1<<16, d.HiddenSize),
		IntermediateSize:      f.integerOf("intermediate_size", 1, 1<<20, d.IntermediateSize),
		NumHiddenLayers:       f.integerOf("num_hidden_layers", 1, 1024, d.NumHiddenLayers),
		NumAttentionHeads:     f.integerOf("num_attention_heads", 1, 1024, d.NumAttentionHeads),
		VocabSize:             f.integerOf("vocab_size", 1, 1<<24, d.VocabSize),
		MaxPositionEmbeddings: f.integerOf("max_position_embeddings", 1, 1<<24, d.MaxPositionEmbeddings),
		RMSNormEps:            f.numberOf("rms_norm_eps", 1e-12, 1e-1, d.RMSNormEps),
		// transformers 5 ties where either place says so, since older versions wrote it inside text_config.
		TieWordEmbeddings: f.boolOr("tie_word_embeddings", m.class.Tie) || top.boolOr("tie_word_embeddings", m.class.Tie),
	}
	if v, there := f.obj["num_key_value_heads"]; there && v == nil { // null: as many as heads
		f.read["num_key_value_heads"] = true
		c.NumKeyValueHeads = c.NumAttentionHeads
	} else {
		c.NumKeyValueHeads = f.integerOf("num_key_value_heads", 1, 1024, d.NumKeyValueHeads)
	}
	f.textOr("hidden_act", m.class.HiddenAct, "silu")
	if *f.err != nil {
		return c
	}
	if c.HiddenSize%c.NumAttentionHeads != 0 {
		f.fail("hidden_size", "is %d, which num_attention_heads %d does not divide", c.HiddenSize, c.NumAttentionHeads)
		return c
	}
	if c.NumAttentionHeads%c.NumKeyValueHeads != 0 {
		f.fail("num_key_value_heads", "is %d, which does not divide num_attention_heads %d", c.NumKeyValueHeads, c.NumAttentionHeads)
	}
	c.HeadDim = c.HiddenSize / c.NumAttentionHeads
	if c.HeadDim%2 != 0 {
		f.fail("hidden_size", "gives heads of width %d; rotary embedding needs an even one", c.HeadDim)
	}
	if d := f.integerOr("head_dim", 1, 1<<16, c.HeadDim); d != c.HeadDim {
		f.fail("head_dim", "is %d, but Qwen2-VL's is hidden_size/num_attention_heads = %d", d, c.HeadDim)
	}
	checkWindow(f, c, w.UseSlidingWindow, w.SlidingWindow, w.MaxWindowLayers)
	c.RopeTheta, c.MropeSection = m.readRope(f, c.HeadDim/2)
	return c
}

// checkWindow refuses sliding-window attention, unless it would reach over the
// whole context or begin after the last layer.
func checkWindow(f *fields, c TextConfig, use bool, window, first int) {
	window = f.integerOr("sliding_window", 0, 1<<24, window)
	first = f.integerOr("max_window_layers", 0, 1<<20, first)
	use = f.boolOr("use_sliding_window", use)
	slides := window > 0 && window < c.MaxPositionEmbeddings
	if use && slides && first < c.NumHiddenLayers {
		f.fail("use_sliding_window", "is true with a sliding_window of %d under a context of %d; sliding-window attention is not supported", window, c.MaxPositionEmbeddings)
	}
	if !f.has("layer_types") {
		f.read["layer_types"] = true
		return
	}
	types := f.list("layer_types", 0, 1024)
	if len(types) != c.NumHiddenLayers {
		f.fail("layer_types", "has %d items for %d layers", len(types), c.NumHiddenLayers)
	}
	for i, v := range types {
		if v != "full_attention" && (v != "sliding_attention" || use && slides) {
			f.fail("layer_types", "gives layer %d %.40q; only full attention is supported", i, fmt.Sprint(v))
		}
	}
}

func readQwen2VLVision(m *Family, f *fields) VisionConfig {
	d := m.class.Vision
	c := VisionConfig{
		Depth:             f.integerOr("depth", 1, 1024, d.Depth),
		EmbedDim:          f.integerOr("embed_dim", 1, 1<<16, d.EmbedDim),
		NumHeads:          f.integerOr("num_heads", 1, 1024, d.NumHeads),
		MLPRatio:          f.integerOr("mlp_ratio", 1, 64, d.MLPRatio),
		OutHiddenSize:     f.integerOr("hidden_size", 1, 1<<16, d.OutHiddenSize),
		PatchSize:         f.integerOr("patch_size", 1, 1024, d.PatchSize),
		TemporalPatchSize: f.integerOr("temporal_patch_size", 1, 64, d.TemporalPatchSize),
		SpatialMergeSize:  f.integerOr("spatial_merge_size", 1, 64, d.SpatialMergeSize),
		HiddenAct:         f.textOr("hidden_act", d.HiddenAct, "quick_gelu"),
		// The published files say in_chans, the class reads in_channels, files saved again hold both.
		InChannels: f.integerOr("in_channels", 3, 3, f.integerOr("in_chans", 3, 3, d.InChannels)),
	}
	f.integerOr("in_chans", 3, 3, d.InChannels)
	f.textOr("model_type", "", m.visionTypes...)
	c.RopeTheta = m.readVisionTheta(f)
	if *f.err != nil {
		return c
	}
	if c.EmbedDim%c.NumHeads != 0 {
		f.fail("embed_dim", "is %d, which num_heads %d does not divide", c.EmbedDim, c.NumHeads)
	} else if c.HeadDim()%4 != 0 {
		f.fail("embed_dim", "gives heads of width %d; rotary embedding over height and width needs a multiple of 4", c.HeadDim())
	}
	return c
}

// qwen2VLModules are the modules of Qwen2VLForConditionalGeneration: see Config.Modules.
func qwen2VLModules(c *Config) []Module {
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
