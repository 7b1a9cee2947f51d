// Package family says which model families loupe runs. A [Family] is one value: what its files hold ([weights.Family]), its vision
// tower ([vit.Family]) and its decoder ([decoder.Family]). Nothing outside these values asks which family a model is of.
//
// # To add a family
//
//   - weights: a value beside Qwen2VL in a file of its own. It names the model_type, the keys of the configuration with what
//     stands for absent ones, what is refused, and the modules that adapters may name; and it is listed in families.
//   - vit and decoder: a value of Family each, and blocks in a file of their own where they differ from those that are there.
//   - here: the value that joins the three, listed in All.
//
// A fixture of the reference holds each part before the whole is run: vit/testdata/towers.py is how one is made.
//
// # On paper: Qwen2.5-VL and Qwen3-VL
//
// Which places two later families would fill, after transformers' qwen2_5_vl and qwen3_vl. What a place does not have yet is said.
//
// weights.Family:
//
//	place               Qwen2.5-VL                                Qwen3-VL
//	ModelType           qwen2_5_vl, qwen2_5_vl_text               qwen3_vl, qwen3_vl_text
//	vision: EmbedDim    hidden_size                               hidden_size
//	  MLPDim            intermediate_size, not a ratio: MLPRatio becomes MLPDim in VisionConfig, and Qwen2-VL multiplies
//	  OutHiddenSize     out_hidden_size (outKey)                  out_hidden_size (outKey)
//	  HiddenAct         silu                                      gelu_pytorch_tanh
//	  new keys          window_size, fullatt_block_indexes,       num_position_embeddings,
//	                    tokens_per_second                         deepstack_visual_indexes
//	text: HeadDim       hidden_size/num_attention_heads           head_dim, 128 whatever the width is
//	  new keys                                                    attention_bias; mrope_interleaved inside rope_parameters
//	class.Image, Video  bounds of size; 14-pixel patches          16-pixel patches, mean and std 0.5, 2 fps and 4 to 768 frames
//	modules             norms without bias, mlp.gate_proj,        attn.q_norm, k_norm; mlp.linear_fc1, linear_fc2; pos_embed;
//	                    up_proj, down_proj in the tower           deepstack_merger_list
//	Class, Library      Qwen2_5_VLForConditionalGeneration        Qwen3VLForConditionalGeneration
//
// vit.Family:
//
//	place               Qwen2.5-VL                                Qwen3-VL
//	PatchBias           no                                        yes
//	positions           rotary by place, as now                   rotary by place, and a learned 48 x 48 grid, read bilinearly
//	                                                              with aligned corners, added after visual.patch_embed: a place
//	                                                              that Tower.Forward does not have yet
//	Block: norms        RMSNorm, epsilon 1e-6                     LayerNorm, epsilon 1e-6
//	Block: perceptron   SwiGLU, three maps with biases            two maps, GELU by tanh: an operation that tensor lacks
//	Block: attention    vit.Attention, as now                     vit.Attention, as now
//	Segments            windows of 112 pixels, 4 x 4 merged       each frame, as now
//	                    cells and fewer at the edges, but whole
//	                    frames in fullatt_block_indexes
//	Merger              RMSNorm, then as now                      as now, and one more for each deepstack block, whose norm
//	                                                              comes after the patches are joined: Output gets a field Deep
//
// Segments of windows have an order of rows of their own. Transformers puts the whole residual stream into it once and undoes it
// behind the merger; here only attention sees it, so that taps, edits and what a score head reads have their rows where
// Qwen2-VL has them. vit/windows_test.go builds this tower and holds it to transformers, forward and backward. Attributions follow
// attention along the tower's segments. The studio shows the attention of a patch to its picture as tap attn.probs.0, which is
// a window's there: runtime/serve/attention.go would ask for the segment of the patch.
//
// decoder.Family:
//
//	place               Qwen2.5-VL                                Qwen3-VL
//	QKVBias, OBias      yes, no                                   no, no
//	Layer               as now                                    an RMS norm over the width of a head, of queries and of keys,
//	                                                              before they are rotated: two Norms more, nil elsewhere
//	Axes                Sections                                  interleaved: pair j has height if j mod 3 is 1 and j < 3*section[1],
//	                                                              width if it is 2 and j < 3*section[2], else time
//	Positions           RopeIndex; of a video Placeholder.Times   RopeIndex; each pair of frames of a video is a Placeholder of
//	                    are floor(i * tokens_per_second *         its own, a picture as it were, with "<S.S seconds>" before it
//	                    second_per_grid), in float32              as text
//	Model.Forward       as now                                    after layers 0, 1 and 2 rows of Output.Deep are added at the
//	                                                              places of the pictures: a hook like decoder.Vision
//
// Both need the seconds of a video beside its frames, where loupe.Input has frames alone, and the second a prompt whose text
// depends on them: runtime/prompt.go, where placeholders are expanded.
//
// What counts on the maps of Qwen2-VL by its purpose, and would get a case of its own: the published shapes and what they cost
// (runtime/shapes.go, runtime/bench/cost.go), and the embedded model (runtime/demo).
//
// Qwen3.5 needs more than a value: three of four of its layers keep a state in place of keys and values. decoder.Layer would become an
// interface of Forward, Linears and Norms, as vit.Block is, and the cache what a layer makes of it.
//
// May import: weights, vit, decoder.
package family
