package main

import "github.com/loupe-vl/loupe/weights"

// seed is where every random number of the checkpoint and its picture comes from.
const seed = 20261124

// vocabSize is the number of tokens: 256 bytes, 434 merges, 14 special tokens. It is a multiple of 64, as published
// vocabularies are, without padding: every id that the model can choose has a token.
const vocabSize = 704

// text is like the 2B in kind: embeddings tied to the output, grouped queries, M-RoPE sections that sum to half a head.
var text = weights.TextConfig{
	HiddenSize:            192,
	IntermediateSize:      512,
	NumHiddenLayers:       3,
	NumAttentionHeads:     6,
	NumKeyValueHeads:      2,
	HeadDim:               32,
	VocabSize:             vocabSize,
	MaxPositionEmbeddings: 4096,
	RMSNormEps:            1e-6,
	RopeTheta:             1e6,
	MropeSection:          []int{4, 6, 6},
	TieWordEmbeddings:     true,
}

var vision = weights.VisionConfig{
	Depth:             4,
	EmbedDim:          192,
	NumHeads:          6,
	MLPRatio:          4,
	OutHiddenSize:     192,
	PatchSize:         14,
	TemporalPatchSize: 2,
	SpatialMergeSize:  2,
	InChannels:        3,
}

// The area of a resized picture: 4 to 20 tokens, each of 28 x 28 pixels. The painted ones, which the model learns from, are
// of 16 or 20 and stay as they are; a larger picture is brought to their size.
const (
	minPixels = 4 * 28 * 28
	maxPixels = 20 * 28 * 28
)
