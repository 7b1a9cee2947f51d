package weights

import (
	"cmp"
	"fmt"
	"slices"
)

// TextConfig describes the language decoder, in the names of config.json.
type TextConfig struct {
	HiddenSize            int
	IntermediateSize      int // width of the SwiGLU
	NumHiddenLayers       int
	NumAttentionHeads     int
	NumKeyValueHeads      int
	HeadDim               int `json:"-"` // width of one attention head; of Qwen2-VL HiddenSize/NumAttentionHeads
	VocabSize             int
	MaxPositionEmbeddings int // context length in tokens
	RMSNormEps            float64
	RopeTheta             float64
	MropeSection          []int // frequencies for time, height, width; they sum to HeadDim/2
	TieWordEmbeddings     bool  // lm_head is embed_tokens
}

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

// Config is the config.json of a model of one of the families that loupe knows.
type Config struct {
	ModelType string `json:"-"` // of the family: see Family
	Text      TextConfig
	Vision    VisionConfig

	BosTokenID         int   // -1 where the file has none; generation does not need it
	EosTokenIDs        []int // generation_config.json's come before these
	ImageTokenID       int   // stands for one merged patch of a picture
	VideoTokenID       int   // the same of a video
	VisionStartTokenID int
	VisionEndTokenID   int

	DType        string        // as saved: "bfloat16"; the tensors' own types decide
	Transformers string        // transformers_version, for information
	Unknown      []string      // keys that loupe does not know and whose names do not speak of mathematics
	Quantization *Quantization `json:"-"` // how the weights of linear maps are stored; nil: each as one tensor
	Notes        []string      `json:"-"` // what stands for an absent key of the decoder, and which of two values is used
}

// ParseConfig checks a config.json in either layout: the published flat one, or
// the one with text_config that transformers writes since 4.52. file stands for
// it in errors. An absent value is the class's (see classValues). A value that
// is out of bounds, contradictory, or that asks for mathematics loupe does not
// do is an error that names its key.
func ParseConfig(file string, data []byte) (*Config, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	top := newFields(file, obj)
	family := familyOf(top.text("model_type", modelTypes()...))
	if family == nil {
		return nil, *top.err
	}
	text := family.decoderFields(top)
	vision := top.scope("vision_config")
	if !top.has("vision_config") {
		top.fail("vision_config", "is missing; a %s model has a vision tower", family.Name)
	}
	quantization := cmp.Or(readQuantization(top), readQuantization(text), readQuantization(vision))
	c := &Config{ModelType: family.ModelType, Text: family.readText(top, text), Vision: family.readVision(vision), Quantization: quantization}
	if text != top && *top.err == nil {
		family.tellTopRope(top, c.Text)
	}
	family.readTokens(c, top, text)
	c.DType = top.textOr("dtype", top.textOr("torch_dtype", ""))
	c.Transformers = top.textOr("transformers_version", "")
	if *top.err == nil && c.Vision.OutHiddenSize != c.Text.HiddenSize {
		absent := ""
		if !vision.has(family.outKey) {
			absent = ", the default of the class since the key is absent"
		}
		vision.fail(family.outKey, "is %d%s, but the decoder's hidden_size is %d; they must be equal", c.Vision.OutHiddenSize, absent, c.Text.HiddenSize)
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

// decoderFields is where the decoder's keys lie: the top level in the flat
// layout, else text_config. transformers 4.52 to 4.57 write them in both; from
// version 5 on they are read from text_config alone.
func (m *Family) decoderFields(top *fields) *fields {
	if !top.has("text_config") {
		top.read["text_config"] = true
		return top
	}
	text := top.scope("text_config")
	text.textOr("model_type", "", m.textTypes...)
	for _, key := range m.decoderKeys {
		v, w := top.value(key), text.obj[key]
		switch {
		case v == nil || ropeKey(key) && (text.has("rope_scaling") || text.has("rope_parameters")): // see tellTopRope
		case w == nil && !slices.Contains(m.decoderOptions, key):
			top.fail(key, "lies beside text_config, where it is not read; move it into text_config")
		case w != nil && !equalValues(v, w):
			top.note(key, "differs from text_config.%s, which is used", key)
		}
	}
	return text
}

func (m *Family) readTokens(c *Config, top, text *fields) {
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
	d := m.class.Tokens
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
