package loupe

import (
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// shapes are the configurations of the published checkpoints, as their config.json has them.
var shapes = map[string]weights.Config{
	"2b": published(weights.TextConfig{
		HiddenSize: 1536, IntermediateSize: 8960, NumHiddenLayers: 28, NumAttentionHeads: 12, NumKeyValueHeads: 2, HeadDim: 128,
		VocabSize: 151936, TieWordEmbeddings: true,
	}),
	"7b": published(weights.TextConfig{
		HiddenSize: 3584, IntermediateSize: 18944, NumHiddenLayers: 28, NumAttentionHeads: 28, NumKeyValueHeads: 4, HeadDim: 128,
		VocabSize: 152064,
	}),
}

// published completes a decoder's configuration with what all sizes have in common.
func published(text weights.TextConfig) weights.Config {
	text.MaxPositionEmbeddings, text.RMSNormEps = 32768, 1e-6
	text.RopeTheta, text.MropeSection = 1e6, []int{16, 24, 24}
	return weights.Config{
		ModelType: weights.Qwen2VL.ModelType, Text: text,
		Vision: weights.VisionConfig{
			Depth: 32, EmbedDim: 1280, NumHeads: 16, MLPRatio: 4, OutHiddenSize: text.HiddenSize,
			PatchSize: 14, TemporalPatchSize: 2, SpatialMergeSize: 2, InChannels: 3, HiddenAct: "quick_gelu", RopeTheta: 1e4,
		},
		BosTokenID: 151643, EosTokenIDs: []int{151645}, ImageTokenID: 151655, VideoTokenID: 151656,
		VisionStartTokenID: 151652, VisionEndTokenID: 151653, DType: "bfloat16",
	}
}

// publishedPixels is their preprocessor_config.json.
var publishedPixels = weights.Preprocessor{
	MinPixels: 3136, MaxPixels: 12845056, PatchSize: 14, TemporalPatchSize: 2, MergeSize: 2,
	ImageMean: [3]float64{0.48145466, 0.4578275, 0.40821073}, ImageStd: [3]float64{0.26862954, 0.26130258, 0.27577711},
	RescaleFactor: 1.0 / 255,
}

// publishedProcessors cuts pictures and videos as the published checkpoints do.
func publishedProcessors(o Options) (image, video picture.Processor, err error) {
	p, err := newProcessor(&publishedPixels, o, false)
	return p, p, err
}
