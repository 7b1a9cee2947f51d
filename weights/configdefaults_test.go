package weights

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestClassDefaults: the table is what transformers' classes say, as testdata/classdefaults.py wrote it.
func TestClassDefaults(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "classdefaults.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	delete(want, "transformers")
	d := qwen2VLClass
	processor := func(p Preprocessor) map[string]any {
		return map[string]any{
			"shortest_edge": p.MinPixels, "longest_edge": p.MaxPixels, "image_mean": p.ImageMean, "image_std": p.ImageStd, "patch_size": p.PatchSize,
			"temporal_patch_size": p.TemporalPatchSize, "merge_size": p.MergeSize, "rescale_factor": p.RescaleFactor, "resample": bicubic,
			"do_resize": true, "do_rescale": true, "do_normalize": true, "do_convert_rgb": true,
		}
	}
	video := processor(d.Video)
	video["max_video_tokens"], video["do_sample_frames"], video["cap_pixels_per_frame"] = d.Video.MaxVideoTokens, d.Video.SampleFrames, nil
	have := map[string]any{
		"text": map[string]any{
			"hidden_size": d.Text.HiddenSize, "intermediate_size": d.Text.IntermediateSize, "num_hidden_layers": d.Text.NumHiddenLayers,
			"num_attention_heads": d.Text.NumAttentionHeads, "num_key_value_heads": d.Text.NumKeyValueHeads, "vocab_size": d.Text.VocabSize,
			"max_position_embeddings": d.Text.MaxPositionEmbeddings, "rms_norm_eps": d.Text.RMSNormEps, "hidden_act": d.HiddenAct,
			"use_sliding_window": d.Window.UseSlidingWindow, "sliding_window": d.Window.SlidingWindow, "max_window_layers": d.Window.MaxWindowLayers,
			"rope_theta": d.Text.RopeTheta, "mrope_section": d.Text.MropeSection,
		},
		"vision": map[string]any{
			"depth": d.Vision.Depth, "embed_dim": d.Vision.EmbedDim, "num_heads": d.Vision.NumHeads, "mlp_ratio": d.Vision.MLPRatio, "hidden_size": d.Vision.OutHiddenSize,
			"patch_size": d.Vision.PatchSize, "temporal_patch_size": d.Vision.TemporalPatchSize, "spatial_merge_size": d.Vision.SpatialMergeSize,
			"in_channels": d.Vision.InChannels, "hidden_act": d.Vision.HiddenAct, "rope_theta": d.Vision.RopeTheta,
		},
		"tokens": map[string]any{
			"image_token_id": d.Tokens.Image, "video_token_id": d.Tokens.Video, "vision_start_token_id": d.Tokens.VisionStart,
			"vision_end_token_id": d.Tokens.VisionEnd, "tie_word_embeddings": d.Tie,
		},
		"image": processor(d.Image), "video": video,
	}
	data, err = json.Marshal(have)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
