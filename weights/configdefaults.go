package weights

// absentTie: transformers' Qwen2VLConfig has false, and version 5 leaves the key
// out of a file where it is so. A wrong guess cannot pass unseen: a tied model
// has no lm_head.weight to load, an untied one has an extra tensor.
const absentTie = false

// absentVision holds the only values that stand in for absent keys of
// vision_config: the defaults of transformers' Qwen2VLVisionConfig, which
// published files rely on. All published sizes share one tower, and
// Qwen2-VL-2B-Instruct-AWQ's file holds hidden_size, in_chans and
// spatial_patch_size alone. hidden_size differs between sizes and has none.
//
//	depth, embed_dim, num_heads, mlp_ratio    absent from the AWQ and GPTQ files
//	patch_size, temporal_patch_size           likewise
//	spatial_merge_size                        likewise
//	in_channels                               absent from every published file, which say in_chans
//	hidden_act                                absent from every published file
//	rope_parameters.rope_theta                written since transformers 5; a constant of the code before
var absentVision = VisionConfig{
	Depth: 32, EmbedDim: 1280, NumHeads: 16, MLPRatio: 4,
	PatchSize: 14, TemporalPatchSize: 2, SpatialMergeSize: 2,
	InChannels: 3, HiddenAct: "quick_gelu", RopeTheta: 10000,
}
