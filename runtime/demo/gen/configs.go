package main

import (
	"strconv"
	"strings"
)

// real is a number that JSON shows with a decimal point, as Python does: strict readers there tell 1.0 from 1.
type real float64

// MarshalJSON writes the shortest decimal digits that give the number back.
func (x real) MarshalJSON() ([]byte, error) {
	s := strconv.FormatFloat(float64(x), 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return []byte(s), nil
}

// The companions of a checkpoint, with the keys of the published Qwen2-VL-2B-Instruct in its order.

type configFile struct {
	Architectures         []string         `json:"architectures"`
	AttentionDropout      real             `json:"attention_dropout"`
	BosTokenID            int              `json:"bos_token_id"`
	EosTokenID            int              `json:"eos_token_id"`
	VisionStartTokenID    int              `json:"vision_start_token_id"`
	VisionEndTokenID      int              `json:"vision_end_token_id"`
	VisionTokenID         int              `json:"vision_token_id"`
	ImageTokenID          int              `json:"image_token_id"`
	VideoTokenID          int              `json:"video_token_id"`
	HiddenAct             string           `json:"hidden_act"`
	HiddenSize            int              `json:"hidden_size"`
	InitializerRange      real             `json:"initializer_range"`
	IntermediateSize      int              `json:"intermediate_size"`
	MaxPositionEmbeddings int              `json:"max_position_embeddings"`
	MaxWindowLayers       int              `json:"max_window_layers"`
	ModelType             string           `json:"model_type"`
	NumAttentionHeads     int              `json:"num_attention_heads"`
	NumHiddenLayers       int              `json:"num_hidden_layers"`
	NumKeyValueHeads      int              `json:"num_key_value_heads"`
	RMSNormEps            real             `json:"rms_norm_eps"`
	RopeTheta             real             `json:"rope_theta"`
	SlidingWindow         int              `json:"sliding_window"`
	TieWordEmbeddings     bool             `json:"tie_word_embeddings"`
	TorchDtype            string           `json:"torch_dtype"`
	UseCache              bool             `json:"use_cache"`
	UseSlidingWindow      bool             `json:"use_sliding_window"`
	VisionConfig          visionConfigFile `json:"vision_config"`
	RopeScaling           ropeScalingFile  `json:"rope_scaling"`
	VocabSize             int              `json:"vocab_size"`
}

type visionConfigFile struct {
	Depth             int `json:"depth"`
	EmbedDim          int `json:"embed_dim"`
	MLPRatio          int `json:"mlp_ratio"`
	NumHeads          int `json:"num_heads"`
	InChans           int `json:"in_chans"`
	HiddenSize        int `json:"hidden_size"`
	PatchSize         int `json:"patch_size"`
	SpatialMergeSize  int `json:"spatial_merge_size"`
	SpatialPatchSize  int `json:"spatial_patch_size"`
	TemporalPatchSize int `json:"temporal_patch_size"`
}

type ropeScalingFile struct {
	Type         string `json:"type"`
	MropeSection []int  `json:"mrope_section"`
}

// config is config.json in the published, flat layout.
func config() configFile {
	return configFile{
		Architectures:         []string{"Qwen2VLForConditionalGeneration"},
		BosTokenID:            specialID("<|endoftext|>"),
		EosTokenID:            specialID("<|im_end|>"),
		VisionStartTokenID:    specialID("<|vision_start|>"),
		VisionEndTokenID:      specialID("<|vision_end|>"),
		VisionTokenID:         specialID("<|vision_pad|>"),
		ImageTokenID:          specialID("<|image_pad|>"),
		VideoTokenID:          specialID("<|video_pad|>"),
		HiddenAct:             "silu",
		HiddenSize:            text.HiddenSize,
		InitializerRange:      0.02,
		IntermediateSize:      text.IntermediateSize,
		MaxPositionEmbeddings: text.MaxPositionEmbeddings,
		MaxWindowLayers:       text.NumHiddenLayers,
		ModelType:             "qwen2_vl",
		NumAttentionHeads:     text.NumAttentionHeads,
		NumHiddenLayers:       text.NumHiddenLayers,
		NumKeyValueHeads:      text.NumKeyValueHeads,
		RMSNormEps:            real(text.RMSNormEps),
		RopeTheta:             real(text.RopeTheta),
		SlidingWindow:         text.MaxPositionEmbeddings,
		TieWordEmbeddings:     text.TieWordEmbeddings,
		TorchDtype:            "bfloat16",
		UseCache:              true,
		VisionConfig: visionConfigFile{
			Depth:             vision.Depth,
			EmbedDim:          vision.EmbedDim,
			MLPRatio:          vision.MLPRatio,
			NumHeads:          vision.NumHeads,
			InChans:           vision.InChannels,
			HiddenSize:        vision.OutHiddenSize,
			PatchSize:         vision.PatchSize,
			SpatialMergeSize:  vision.SpatialMergeSize,
			SpatialPatchSize:  vision.PatchSize,
			TemporalPatchSize: vision.TemporalPatchSize,
		},
		RopeScaling: ropeScalingFile{Type: "mrope", MropeSection: text.MropeSection},
		VocabSize:   vocabSize,
	}
}

type generationFile struct {
	BosTokenID        int   `json:"bos_token_id"`
	PadTokenID        int   `json:"pad_token_id"`
	DoSample          bool  `json:"do_sample"`
	EosTokenID        []int `json:"eos_token_id"`
	RepetitionPenalty real  `json:"repetition_penalty"`
	Temperature       real  `json:"temperature"`
	TopP              real  `json:"top_p"`
	TopK              int   `json:"top_k"`
}

// generationConfig is generation_config.json, with the published values.
func generationConfig() generationFile {
	end := specialID("<|endoftext|>")
	return generationFile{
		BosTokenID: end, PadTokenID: end, DoSample: true, EosTokenID: []int{specialID("<|im_end|>"), end},
		RepetitionPenalty: 1, Temperature: 0.01, TopP: 0.001, TopK: 1,
	}
}

type preprocessorFile struct {
	MinPixels          int     `json:"min_pixels"`
	MaxPixels          int     `json:"max_pixels"`
	PatchSize          int     `json:"patch_size"`
	TemporalPatchSize  int     `json:"temporal_patch_size"`
	MergeSize          int     `json:"merge_size"`
	ImageMean          [3]real `json:"image_mean"`
	ImageStd           [3]real `json:"image_std"`
	ImageProcessorType string  `json:"image_processor_type"`
	ProcessorClass     string  `json:"processor_class"`
}

// preprocessorConfig is preprocessor_config.json: the published means and deviations, which are CLIP's.
func preprocessorConfig() preprocessorFile {
	return preprocessorFile{
		MinPixels: minPixels, MaxPixels: maxPixels,
		PatchSize: vision.PatchSize, TemporalPatchSize: vision.TemporalPatchSize, MergeSize: vision.SpatialMergeSize,
		ImageMean:          [3]real{0.48145466, 0.4578275, 0.40821073},
		ImageStd:           [3]real{0.26862954, 0.26130258, 0.27577711},
		ImageProcessorType: "Qwen2VLImageProcessor",
		ProcessorClass:     "Qwen2VLProcessor",
	}
}
