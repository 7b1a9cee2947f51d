package weights

import (
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/weights/disk"
)

// TextConfig describes the language decoder, in the names of config.json.
type TextConfig struct {
	HiddenSize            int
	IntermediateSize      int // width of the SwiGLU
	NumHiddenLayers       int
	NumAttentionHeads     int
	NumKeyValueHeads      int
	VocabSize             int
	MaxPositionEmbeddings int // context length in tokens
	RMSNormEps            float64
	RopeTheta             float64
	MropeSection          []int // frequencies for time, height, width; they sum to HeadDim/2
	TieWordEmbeddings     bool  // lm_head is embed_tokens
}

// HeadDim is the width of one attention head.
func (c TextConfig) HeadDim() int { return c.HiddenSize / c.NumAttentionHeads }

// VisionConfig describes the vision tower, in the names of vision_config.
type VisionConfig struct {
	Depth             int // blocks
	EmbedDim          int // width of a block
	NumHeads          int
	MLPRatio          int // width of a block's MLP over EmbedDim
	OutHiddenSize     int `json:"HiddenSize"` // width of the merger's output: the decoder's HiddenSize. Qwen2-VL's files call it hidden_size
	PatchSize         int // pixels on a side
	TemporalPatchSize int // frames in a patch
	SpatialMergeSize  int // patches on a side that the merger joins
	InChannels        int // 3: RGB
	HiddenAct         string
	RopeTheta         float64
}

// HeadDim is the width of one attention head.
func (c VisionConfig) HeadDim() int { return c.EmbedDim / c.NumHeads }

// MLPDim is the width of a block's MLP.
func (c VisionConfig) MLPDim() int { return c.EmbedDim * c.MLPRatio }

// PatchDim is the number of values in a patch: channels x frames x height x width.
func (c VisionConfig) PatchDim() int {
	return c.InChannels * c.TemporalPatchSize * c.PatchSize * c.PatchSize
}

// Config is config.json of a Qwen2-VL model.
type Config struct {
	Text   TextConfig
	Vision VisionConfig

	BosTokenID         int   // -1 where the file has none; generation does not need it
	EosTokenIDs        []int // generation_config.json's come before these
	ImageTokenID       int   // stands for one merged patch of a picture
	VideoTokenID       int   // the same of a video
	VisionStartTokenID int
	VisionEndTokenID   int

	DType        string   // as saved: "bfloat16"; the tensors' own types decide
	Transformers string   // transformers_version, for information
	Unknown      []string // keys that loupe does not know and whose names do not speak of mathematics
	Notes        []string `json:"-"` // what stands for an absent key of the decoder, and which of two values is used
}

// ReadConfig reads and checks a config.json. See ParseConfig.
func ReadConfig(path string) (*Config, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return ParseConfig(path, data)
}

// ParseConfig checks a config.json in either layout: the published flat one, or
// the one with text_config that transformers writes since 4.52. file stands for
// it in errors. An absent value is the class's (see classDefaults). A value that
// is out of bounds, contradictory, or that asks for mathematics loupe does not
// do is an error that names its key.
func ParseConfig(file string, data []byte) (*Config, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	top := newFields(file, obj)
	top.text("model_type", "qwen2_vl")
	text := decoderFields(top)
	vision := top.scope("vision_config")
	if !top.has("vision_config") {
		top.fail("vision_config", "is missing; a Qwen2-VL model has a vision tower")
	}
	for _, f := range []*fields{top, text, vision} {
		if f.has("quantization_config") {
			f.fail("quantization_config", "asks for a quantized checkpoint%s, which is not supported yet; use the BF16, F16 or F32 one", quantMethod(f.obj["quantization_config"]))
		}
	}
	c := &Config{Text: readText(top, text), Vision: readVision(vision)}
	if text != top && *top.err == nil {
		tellTopRope(top, c.Text)
	}
	readTokens(c, top, text)
	c.DType = top.textOr("dtype", top.textOr("torch_dtype", ""))
	c.Transformers = top.textOr("transformers_version", "")
	if *top.err == nil && c.Vision.OutHiddenSize != c.Text.HiddenSize {
		absent := ""
		if !vision.has("hidden_size") {
			absent = ", the default of the class since the key is absent"
		}
		vision.fail("hidden_size", "is %d%s, but the decoder's hidden_size is %d; they must be equal", c.Vision.OutHiddenSize, absent, c.Text.HiddenSize)
	}
	scopes := []*fields{top, vision}
	if text != top {
		scopes = append(scopes, text)
	}
	for _, f := range scopes {
		c.Unknown = append(c.Unknown, f.unknown()...)
	}
	if *top.err != nil {
		return nil, *top.err
	}
	c.Notes = *top.notes
	return c, nil
}

// quantMethod names the method of a quantization_config, for a message.
func quantMethod(v any) string {
	o, _ := v.(object)
	if s, ok := o["quant_method"].(string); ok {
		return fmt.Sprintf(" (%.40s)", s)
	}
	return ""
}

// decoderFields is where the decoder's keys lie: the top level in the flat
// layout, else text_config. transformers 4.52 to 4.57 write them in both; from
// version 5 on they are read from text_config alone.
func decoderFields(top *fields) *fields {
	if !top.has("text_config") {
		top.read["text_config"] = true
		return top
	}
	text := top.scope("text_config")
	text.textOr("model_type", "", "qwen2_vl_text", "qwen2_vl")
	for _, key := range decoderKeys {
		v, w := top.value(key), text.obj[key]
		switch {
		case v == nil || ropeKey(key) && (text.has("rope_scaling") || text.has("rope_parameters")): // see tellTopRope
		case w == nil && !slices.Contains(decoderOptions, key):
			top.fail(key, "lies beside text_config, where it is not read; move it into text_config")
		case w != nil && !equalValues(v, w):
			top.note(key, "differs from text_config.%s, which is used", key)
		}
	}
	return text
}

func readText(top, f *fields) TextConfig {
	d, w := classDefaults.Text, classDefaults.Window
	c := TextConfig{
		HiddenSize:            f.integerOf("hidden_size", 1, 1<<16, d.HiddenSize),
		IntermediateSize:      f.integerOf("intermediate_size", 1, 1<<20, d.IntermediateSize),
		NumHiddenLayers:       f.integerOf("num_hidden_layers", 1, 1024, d.NumHiddenLayers),
		NumAttentionHeads:     f.integerOf("num_attention_heads", 1, 1024, d.NumAttentionHeads),
		VocabSize:             f.integerOf("vocab_size", 1, 1<<24, d.VocabSize),
		MaxPositionEmbeddings: f.integerOf("max_position_embeddings", 1, 1<<24, d.MaxPositionEmbeddings),
		RMSNormEps:            f.numberOf("rms_norm_eps", 1e-12, 1e-1, d.RMSNormEps),
		// transformers 5 ties where either place says so, since older versions wrote it inside text_config.
		TieWordEmbeddings: f.boolOr("tie_word_embeddings", classDefaults.Tie) || top.boolOr("tie_word_embeddings", classDefaults.Tie),
	}
	if v, there := f.obj["num_key_value_heads"]; there && v == nil { // null: as many as heads
		f.read["num_key_value_heads"] = true
		c.NumKeyValueHeads = c.NumAttentionHeads
	} else {
		c.NumKeyValueHeads = f.integerOf("num_key_value_heads", 1, 1024, d.NumKeyValueHeads)
	}
	f.textOr("hidden_act", classDefaults.HiddenAct, "silu")
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
	if c.HeadDim()%2 != 0 {
		f.fail("hidden_size", "gives heads of width %d; rotary embedding needs an even one", c.HeadDim())
	}
	if d := f.integerOr("head_dim", 1, 1<<16, c.HeadDim()); d != c.HeadDim() {
		f.fail("head_dim", "is %d, but Qwen2-VL's is hidden_size/num_attention_heads = %d", d, c.HeadDim())
	}
	checkWindow(f, c, w.UseSlidingWindow, w.SlidingWindow, w.MaxWindowLayers)
	c.RopeTheta, c.MropeSection = readRope(f, c.HeadDim()/2)
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

func readVision(f *fields) VisionConfig {
	d := classDefaults.Vision
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
	f.textOr("model_type", "", "qwen2_vl", "qwen2_vl_vision")
	c.RopeTheta = readVisionTheta(f)
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

func readTokens(c *Config, top, text *fields) {
	last := c.Text.VocabSize - 1
	id := func(key string, class int) int {
		at := top
		if !top.has(key) && text.has(key) {
			at = text
		}
		if !at.has(key) && *top.err == nil && class > last {
			at.fail(key, "is missing, and the default of the class, %d, is past the vocabulary of %d tokens", class, last+1)
		}
		top.read[key] = true
		return at.integerOr(key, 0, last, class)
	}
	d := classDefaults.Tokens
	c.ImageTokenID, c.VideoTokenID = id("image_token_id", d.Image), id("video_token_id", d.Video)
	c.VisionStartTokenID, c.VisionEndTokenID = id("vision_start_token_id", d.VisionStart), id("vision_end_token_id", d.VisionEnd)
	if *top.err == nil && c.ImageTokenID == c.VideoTokenID {
		top.fail("image_token_id", "is %d, and so is video_token_id; they must differ", c.ImageTokenID)
	}
	// Trainers rewrite these two at the top level only, where generation reads them.
	c.BosTokenID = top.integerOr("bos_token_id", 0, last, text.integerOr("bos_token_id", 0, last, -1))
	if c.EosTokenIDs = top.ids("eos_token_id", last); c.EosTokenIDs == nil {
		c.EosTokenIDs = text.ids("eos_token_id", last)
	}
}
