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
	HiddenSize        int // width of the merger's output: the decoder's HiddenSize
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
// it in errors. A value that is missing, out of bounds, contradictory, or that
// asks for mathematics loupe does not do is an error that names its key.
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
			f.fail("quantization_config", "asks for a quantised checkpoint, which is not supported yet; use the BF16, F16 or F32 one")
		}
	}
	c := &Config{Text: readText(top, text), Vision: readVision(vision)}
	readTokens(c, top, text)
	c.DType = top.textOr("dtype", top.textOr("torch_dtype", ""))
	c.Transformers = top.textOr("transformers_version", "")
	if *top.err == nil && c.Vision.HiddenSize != c.Text.HiddenSize {
		vision.fail("hidden_size", "is %d, but the decoder's hidden_size is %d; they must be equal", c.Vision.HiddenSize, c.Text.HiddenSize)
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
	return c, nil
}

// decoderFields is where the decoder's keys lie: the top level in the flat
// layout, else text_config. transformers 4.52 to 4.57 write them in both; then
// they must agree. A key that only the top level has is taken from there.
func decoderFields(top *fields) *fields {
	if !top.has("text_config") {
		top.read["text_config"] = true
		return top
	}
	text := top.scope("text_config")
	if text.obj == nil {
		return text
	}
	text.textOr("model_type", "", "qwen2_vl_text", "qwen2_vl")
	merged := object{}
	for key, v := range text.obj {
		merged[key] = v
	}
	for _, key := range decoderKeys {
		v := top.value(key)
		switch {
		case v == nil:
		case merged[key] == nil:
			merged[key] = v
		case !equalValues(v, merged[key]):
			top.fail(key, "differs from text_config.%s; loupe cannot tell which one is meant: remove one", key)
		}
	}
	text.obj = merged
	return text
}

func readText(top, f *fields) TextConfig {
	c := TextConfig{
		HiddenSize:            f.integer("hidden_size", 1, 1<<16),
		IntermediateSize:      f.integer("intermediate_size", 1, 1<<20),
		NumHiddenLayers:       f.integer("num_hidden_layers", 1, 1024),
		NumAttentionHeads:     f.integer("num_attention_heads", 1, 1024),
		NumKeyValueHeads:      f.integer("num_key_value_heads", 1, 1024),
		VocabSize:             f.integer("vocab_size", 1, 1<<24),
		MaxPositionEmbeddings: f.integer("max_position_embeddings", 1, 1<<24),
		RMSNormEps:            f.number("rms_norm_eps", 1e-12, 1e-1),
		// transformers 5 ties where either place says so, since older versions wrote it inside text_config.
		TieWordEmbeddings: f.boolOr("tie_word_embeddings", absentTie) || top.boolOr("tie_word_embeddings", absentTie),
	}
	f.text("hidden_act", "silu")
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
	checkWindow(f, c)
	c.RopeTheta, c.MropeSection = readRope(f, c.HeadDim()/2)
	return c
}

// checkWindow refuses sliding-window attention, unless it would reach over the
// whole context or begin after the last layer.
func checkWindow(f *fields, c TextConfig) {
	window := f.integerOr("sliding_window", 0, 1<<24, 0)
	first := f.integerOr("max_window_layers", 0, 1<<20, 0)
	slides := window > 0 && window < c.MaxPositionEmbeddings
	if f.boolOr("use_sliding_window", false) && slides && first < c.NumHiddenLayers {
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
		if v != "full_attention" && (v != "sliding_attention" || slides) {
			f.fail("layer_types", "gives layer %d %.40q; only full attention is supported", i, fmt.Sprint(v))
		}
	}
}

// readRope reads the rotary embedding's base and sections from rope_theta and
// rope_scaling (published), or rope_parameters (transformers 5). Both "mrope"
// and "default" name plain frequencies: transformers rewrites one to the other.
// The sections must sum to half the width of a head.
func readRope(f *fields, half int) (theta float64, section []int) {
	scaling := f.scope("rope_scaling")
	params := f.scope("rope_parameters")
	given := map[*fields]bool{scaling: f.has("rope_scaling"), params: f.has("rope_parameters")}
	if !given[scaling] && !given[params] {
		f.fail("rope_scaling", "is missing; Qwen2-VL needs its mrope_section")
		return 0, nil
	}
	theta = f.numberOr("rope_theta", 1, 1e15, 0)
	for _, r := range []*fields{scaling, params} {
		if !given[r] {
			continue
		}
		if !r.has("type") && !r.has("rope_type") {
			r.fail("type", "is missing; loupe knows \"mrope\"")
		}
		r.textOr("type", "", "mrope", "default")
		r.textOr("rope_type", "", "mrope", "default")
		s := r.integers("mrope_section", 3, 3, 1, 1<<16)
		if section != nil && !slices.Equal(section, s) {
			r.fail("mrope_section", "%v differs from rope_scaling.mrope_section %v", s, section)
		}
		if section = s; len(s) == 3 && s[0]+s[1]+s[2] != half {
			r.fail("mrope_section", "%v sums to %d, but must sum to half the head width, %d", s, s[0]+s[1]+s[2], half)
		}
		t := r.numberOr("rope_theta", 1, 1e15, theta)
		if theta != 0 && t != theta {
			r.fail("rope_theta", "is %g, but rope_theta elsewhere is %g", t, theta)
		}
		theta = t
		for _, key := range sortedKeys(r.obj) {
			if !r.read[key] && !inert(r.obj[key]) {
				r.fail(key, "is not known and would change the rotary embedding")
			}
		}
	}
	if theta == 0 {
		f.fail("rope_theta", "is missing; the model cannot be built without it")
	}
	return theta, section
}

func readVision(f *fields) VisionConfig {
	c := VisionConfig{
		Depth:             f.integerOr("depth", 1, 1024, absentVision.Depth),
		EmbedDim:          f.integerOr("embed_dim", 1, 1<<16, absentVision.EmbedDim),
		NumHeads:          f.integerOr("num_heads", 1, 1024, absentVision.NumHeads),
		MLPRatio:          f.integerOr("mlp_ratio", 1, 64, absentVision.MLPRatio),
		HiddenSize:        f.integer("hidden_size", 1, 1<<16),
		PatchSize:         f.integerOr("patch_size", 1, 1024, absentVision.PatchSize),
		TemporalPatchSize: f.integerOr("temporal_patch_size", 1, 64, absentVision.TemporalPatchSize),
		SpatialMergeSize:  f.integerOr("spatial_merge_size", 1, 64, absentVision.SpatialMergeSize),
		HiddenAct:         f.textOr("hidden_act", absentVision.HiddenAct, "quick_gelu"),
		// The published files say in_chans, the class reads in_channels, files saved again hold both.
		InChannels: f.integerOr("in_channels", 3, 3, f.integerOr("in_chans", 3, 3, absentVision.InChannels)),
		RopeTheta:  absentVision.RopeTheta,
	}
	f.integerOr("in_chans", 3, 3, absentVision.InChannels)
	f.textOr("model_type", "", "qwen2_vl", "qwen2_vl_vision")
	if f.has("rope_parameters") {
		r := f.scope("rope_parameters")
		r.textOr("rope_type", "axial", "axial", "default")
		c.RopeTheta = r.numberOr("rope_theta", 1, 1e15, absentVision.RopeTheta)
		for _, key := range sortedKeys(r.obj) {
			if !r.read[key] && !inert(r.obj[key]) {
				r.fail(key, "is not known and would change the rotary embedding")
			}
		}
	}
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
	id := func(key string) int {
		if top.has(key) || !text.has(key) {
			return top.integer(key, 0, last)
		}
		return text.integer(key, 0, last)
	}
	c.ImageTokenID, c.VideoTokenID = id("image_token_id"), id("video_token_id")
	c.VisionStartTokenID, c.VisionEndTokenID = id("vision_start_token_id"), id("vision_end_token_id")
	if *top.err == nil && c.ImageTokenID == c.VideoTokenID {
		top.fail("image_token_id", "is %d, and so is video_token_id; they must differ", c.ImageTokenID)
	}
	// Trainers rewrite these two at the top level only, where generation reads them.
	c.BosTokenID = top.integerOr("bos_token_id", 0, last, text.integerOr("bos_token_id", 0, last, -1))
	if c.EosTokenIDs = top.ids("eos_token_id", last); c.EosTokenIDs == nil {
		c.EosTokenIDs = text.ids("eos_token_id", last)
	}
}
