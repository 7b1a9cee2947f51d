package weights

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseGeneration(t *testing.T) {
	got, err := ParseGeneration("g.json", []byte(`{"bos_token_id": 1, "pad_token_id": 2, "do_sample": true, "eos_token_id": [3, 1],
		"repetition_penalty": 1.05, "temperature": 0.01, "top_p": 0.001, "top_k": 1, "transformers_version": "4.37.0", "num_beams": 1, "mine": "x"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Generation{EosTokenIDs: []int{3, 1}, BosTokenID: 1, PadTokenID: 2, DoSample: true, Temperature: 0.01, TopP: 0.001, TopK: 1,
		RepetitionPenalty: 1.05, File: "g.json", Unknown: []string{"mine"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got, err = ParseGeneration("g.json", []byte(`{"eos_token_id": 7}`))
	if err != nil {
		t.Fatal(err)
	}
	want = &Generation{EosTokenIDs: []int{7}, BosTokenID: -1, PadTokenID: -1, Temperature: 1, TopP: 1, RepetitionPenalty: 1, File: "g.json"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for doc, want := range map[string]string{
		`{"num_beams": 4}`:                "num_beams",
		`{"no_repeat_ngram_size": 3}`:     "no_repeat_ngram_size",
		`{"suppress_tokens": [1]}`:        "suppress_tokens",
		`{"temperature": -1}`:             "temperature",
		`{"temperature": "hot"}`:          "temperature",
		`{"top_p": 1.5}`:                  "top_p",
		`{"eos_token_id": -2}`:            "eos_token_id",
		`{"eos_token_id": []}`:            "eos_token_id",
		`{"repetition_penalty": 0}`:       "repetition_penalty",
		`{"do_sample": "yes"}`:            "do_sample",
		`{"bos_token_id": 1.5}`:           "bos_token_id",
		`{"top_k": 1, "top_k": 2}`:        "top_k",
		`{"guidance_scale": 1.5}`:         "guidance_scale",
		`{"forced_eos_token_id": 0}`:      "forced_eos_token_id",
		`{"min_p": 2}`:                    "min_p",
		`{"max_new_tokens": 99999999999}`: "max_new_tokens",
	} {
		g, err := ParseGeneration("g.json", []byte(doc))
		if strings.Contains(doc, "top_k\": 2") {
			wantError(t, err, "g.json", want)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v, where only generating may fail", doc, err)
			continue
		}
		wantError(t, g.Problem, "g.json", want)
	}
	for _, doc := range []string{
		`{"min_p": 0.05, "typical_p": 0.9, "epsilon_cutoff": 0.1, "do_sample": true}`, `{"num_beams": 1, "min_length": 0, "forced_eos_token_id": null}`,
		`{"max_length": 20, "early_stopping": true, "bad_words_ids": []}`,
	} {
		if g, err := ParseGeneration("g.json", []byte(doc)); err != nil || g.Problem != nil {
			t.Errorf("%s: %v, %v", doc, err, g)
		}
	}
	_, err = ParseGeneration("g.json", []byte("not json"))
	wantError(t, err, "g.json", "at byte")
	// Without the file, config.json's keys hold, the outer ones before text_config's.
	got, err = GenerationOfConfig("c.json", []byte(`{"repetition_penalty": 2.5, "eos_token_id": null, "text_config": {"eos_token_id": [1, 7], "repetition_penalty": 3}}`))
	if err != nil || got.RepetitionPenalty != 2.5 || len(got.EosTokenIDs) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = generationFile(filepath.Join(t.TempDir(), "none.json"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

const preprocessor = `{"min_pixels": 3136, "max_pixels": 12845056, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2,
  "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
  "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor"}`

func TestParsePreprocessor(t *testing.T) {
	want := &Preprocessor{File: "p.json", MinPixels: 3136, MaxPixels: 12845056, PatchSize: 14, TemporalPatchSize: 2, MergeSize: 2,
		ImageMean: [3]float64{0.48145466, 0.4578275, 0.40821073}, ImageStd: [3]float64{0.26862954, 0.26130258, 0.27577711}, RescaleFactor: 1.0 / 255}
	newer := with(t, string(with(t, preprocessor, "min_pixels", "")), "max_pixels", "")
	newer = with(t, string(newer), "size", `{"shortest_edge": 3136, "longest_edge": 12845056}`)
	for name, doc := range map[string][]byte{
		"published": []byte(preprocessor),
		"newer":     newer,
		"both":      with(t, preprocessor, "size", `{"shortest_edge": 3136, "longest_edge": 12845056, "height": null}`),
		"awq":       with(t, preprocessor, "size", `{"min_pixels": 3136, "max_pixels": 12845056}`),
		"explicit":  with(t, preprocessor, "resample", "3"),
		"factor":    with(t, preprocessor, "rescale_factor", "0.00392156862745098"),
		"fast":      with(t, preprocessor, "image_processor_type", `"Qwen2VLImageProcessorFast"`),
		"switches":  with(t, preprocessor, "do_resize", "true"),
		"inert":     with(t, preprocessor, "do_center_crop", "null"),
	} {
		got, err := Qwen2VL.ParsePreprocessor("p.json", doc)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for _, c := range []struct{ key, value string }{
		{"image_std", "[0, 1, 1]"}, {"image_mean", "[0.5]"}, {"image_mean", `["a", 1, 1]`},
		{"min_pixels", "-5"}, {"min_pixels", "12845057"}, {"resample", "2"}, {"rescale_factor", "0.0078431"},
		{"do_resize", "false"}, {"do_rescale", "false"}, {"do_normalize", "false"}, {"do_convert_rgb", "false"}, {"do_convert_rgb", `"no"`},
		{"do_center_crop", "true"}, {"image_processor_type", `"CLIPImageProcessor"`}, {"data_format", `"channels_last"`},
	} {
		_, err := Qwen2VL.ParsePreprocessor("p.json", with(t, preprocessor, c.key, c.value))
		wantError(t, err, "p.json", c.key)
	}
	v := VisionConfig{PatchSize: 14, TemporalPatchSize: 2, SpatialMergeSize: 2}
	if err := want.Check(v); err != nil {
		t.Error(err)
	}
	v.SpatialMergeSize = 4
	wantError(t, want.Check(v), "merge_size", "spatial_merge_size", "4")
}

const head = `{"version": 1, "input": "visual.merger", "pool": "mean", "hidden": [32], "targets": [{"name": "score", "mean": 55, "std": 18, "min": 1, "max": 100}]}`

func TestScoreHead(t *testing.T) {
	want := &ScoreHeadConfig{Version: 1, Input: MergerInput, Pool: PoolMean, Hidden: []int{32}, Targets: []ScoreTarget{{"score", 55, 18, 1, 100}}}
	got, err := ParseScoreHead("h.json", []byte(head))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, ScoreHeadConfigName)
	want.Hidden, want.Input = nil, BlockInput(7)
	if err := WriteScoreHead(path, want); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, dir, ScoreHeadConfigName)
	got, err = ReadScoreHead(path)
	if err != nil || got.Input != want.Input || len(got.Hidden) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	want.Pool = "max"
	wantError(t, WriteScoreHead(path, want), path, "pool", "max")

	for _, c := range []struct{ key, value, want string }{
		{"version", "2", "version"}, {"version", "", "version"}, {"pool", `"max"`, "pool"}, {"input", `"visual"`, "input"},
		{"input", `"visual.blocks.01.out"`, "input"}, {"input", `"model.layers.0.out"`, "input"}, {"hidden", "", "hidden"}, {"hidden", "[0]", "hidden"},
		{"hidden", "[1e9]", "hidden"}, {"targets", "[]", "targets"}, {"targets", "[1]", "targets"}, {"extra", "1", "extra"},
		{"targets", `[{"name": "s", "mean": 0, "std": 0, "min": 0, "max": 1}]`, "targets[0].std"},
		{"targets", `[{"name": "s", "mean": 0, "std": 1, "min": 1, "max": 1}]`, "targets[0].min"},
		{"targets", `[{"name": "", "mean": 0, "std": 1, "min": 0, "max": 1}]`, "targets[0].name"},
		{"targets", `[{"name": "s", "mean": 0, "std": 1, "min": 0}]`, "targets[0].max"},
		{"targets", `[{"name": "s", "mean": 0, "std": 1, "min": 0, "max": 1, "x": 0}]`, "targets[0].x"},
		{"targets", `[{"name": "s", "mean": 0, "std": 1, "min": 0, "max": 1}, {"name": "s", "mean": 0, "std": 1, "min": 0, "max": 1}]`, "targets[1].name"},
	} {
		_, err := ParseScoreHead("h.json", with(t, head, c.key, c.value))
		wantError(t, err, "h.json", c.want)
	}
}
