package weights

// classValues holds every value that stands in for an absent key of a model
// directory, by the name that the key has in its file: what transformers'
// classes of a family have.
type classValues struct {
	Text   TextConfig
	Vision VisionConfig
	Tokens struct{ Image, Video, VisionStart, VisionEnd int }
	Tie    bool // tie_word_embeddings: version 5 leaves the key out of a file where it is so
	Window struct {
		UseSlidingWindow bool
		SlidingWindow    int
		MaxWindowLayers  int
	}
	HiddenAct string // of the decoder
	Image     Preprocessor
	Video     Preprocessor
}

// qwen2VLClass are the values of transformers 5.24's classes of Qwen2-VL, which
// the reference would take as well; testdata/classdefaults.py reads them out of
// the classes, and a test holds this table to what it wrote.
//
//	Text          Qwen2VLTextConfig, configuration_qwen2_vl.py; rope_theta is its default_theta,
//	              mrope_section is of Qwen2VLRotaryEmbedding, modeling_qwen2_vl.py
//	Vision        Qwen2VLVisionConfig, configuration_qwen2_vl.py; rope_theta is default_theta of
//	              modeling_rope_utils.py
//	Tokens        Qwen2VLConfig, configuration_qwen2_vl.py
//	Image         Qwen2VLImageProcessor, image_processing_qwen2_vl.py
//	Video         Qwen2VLVideoProcessor, video_processing_qwen2_vl.py
//
// Published files leave much of Vision and Image to the class: vision_config of
// Qwen2-VL-2B-Instruct-AWQ holds hidden_size, in_chans and spatial_patch_size
// alone, that of some files of the 7B model has no hidden_size, and a
// preprocessor_config.json may hold nothing but the name of its class. An
// absent key of the decoder is told in Config.Notes, since honest files have
// them all: a wrong width cannot pass unseen, but a wrong rms_norm_eps could.
var qwen2VLClass = classValues{
	Text: TextConfig{
		HiddenSize: 8192, IntermediateSize: 29568, NumHiddenLayers: 80, NumAttentionHeads: 64, NumKeyValueHeads: 8, HeadDim: 128, VocabSize: 152064,
		MaxPositionEmbeddings: 32768, RMSNormEps: 1e-5, RopeTheta: 1e6, MropeSection: []int{16, 24, 24},
	},
	Vision: VisionConfig{
		Depth: 32, EmbedDim: 1280, NumHeads: 16, MLPRatio: 4, OutHiddenSize: 3584, PatchSize: 14, TemporalPatchSize: 2, SpatialMergeSize: 2,
		InChannels: 3, HiddenAct: "quick_gelu", RopeTheta: 10000,
	},
	Tokens: struct{ Image, Video, VisionStart, VisionEnd int }{151655, 151656, 151652, 151653},
	Window: struct {
		UseSlidingWindow bool
		SlidingWindow    int
		MaxWindowLayers  int
	}{false, 4096, 80},
	HiddenAct: "silu",
	Image:     processorDefaults(56*56, 1280*28*28, 0),
	Video:     processorDefaults(128*28*28, 768*28*28, 128000),
}

// processorDefaults is what both processors have in common (OPENAI_CLIP_MEAN
// and OPENAI_CLIP_STD are of image_utils.py), with the bounds that they differ in.
func processorDefaults(minPixels, maxPixels, maxVideoTokens int) Preprocessor {
	return Preprocessor{
		MinPixels: minPixels, MaxPixels: maxPixels, PatchSize: 14, TemporalPatchSize: 2, MergeSize: 2,
		ImageMean:     [3]float64{0.48145466, 0.4578275, 0.40821073},
		ImageStd:      [3]float64{0.26862954, 0.26130258, 0.27577711},
		RescaleFactor: rescale, MaxVideoTokens: maxVideoTokens,
	}
}
