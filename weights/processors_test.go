package weights

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// TestPreprocessorDefaults: an absent value is the class's, and of two that differ the reference's is taken and told
// (Qwen2VLImageProcessor(**json) and Qwen2VLVideoProcessor(**json) of transformers 5.24).
func TestPreprocessorDefaults(t *testing.T) {
	for _, c := range []struct {
		doc      string
		video    bool
		min, max int
		note     string
	}{
		{`{}`, false, 3136, 1003520, ""},
		{`{}`, true, 100352, 602112, ""},
		{`{"processor_class": "Qwen2VLProcessor", "image_processor_type": "Qwen2VLImageProcessor"}`, false, 3136, 1003520, ""},
		{`{"min_pixels": 6272}`, false, 6272, 1003520, ""},
		{`{"max_pixels": 6272}`, false, 3136, 6272, ""},
		{`{"max_pixels": 200000}`, true, 100352, 200000, ""},
		{`{"max_pixels": 6272}`, true, 100352, 6272, ""}, // the class's least is more: the reference heeds the most first
		{`{"min_pixels": 2000000}`, false, 2000000, 1003520, ""},
		{`{"size": {"shortest_edge": 784, "longest_edge": 9999}}`, false, 784, 9999, ""},
		{`{"size": null, "min_pixels": 1000}`, false, 1000, 1003520, ""},
		{`{"size": {"min_pixels": 784, "max_pixels": 9999}}`, false, 784, 9999, ""},
		{`{"size": {"shortest_edge": 784, "longest_edge": 9999}, "max_pixels": 5000}`, false, 784, 5000, "p.json: max_pixels is 5000 and is used, though size says 9999"},
		{`{"size": {"shortest_edge": 784}, "max_pixels": 5000}`, false, 784, 5000, ""},
	} {
		parse := Qwen2VL.ParsePreprocessor
		if c.video {
			parse = Qwen2VL.ParseVideoPreprocessor
		}
		p, err := parse("p.json", []byte(c.doc))
		if err != nil {
			t.Errorf("%s: %v", c.doc, err)
			continue
		}
		if p.MinPixels != c.min || p.MaxPixels != c.max || p.PatchSize != 14 || p.MergeSize != 2 || p.TemporalPatchSize != 2 || p.ImageMean[0] != 0.48145466 {
			t.Errorf("%s: %+v", c.doc, p)
		}
		if notes := strings.Join(p.Notes, "\n"); notes != c.note {
			t.Errorf("%s: notes %q, want %q", c.doc, notes, c.note)
		}
	}
	for doc, want := range map[string]string{
		`{"size": {"shortest_edge": 784}}`:                        "size.longest_edge is missing",
		`{"size": {"height": 224, "width": 224}}`:                 "size.shortest_edge is missing",
		`{"size": 224}`:                                           "size is a number",
		`{"size": {"shortest_edge": 9999, "longest_edge": 784}}`:  "min_pixels is 9999, more than max_pixels 784",
		`{"video_processor_type": "Qwen3VLVideoProcessor"}`:       "video_processor_type",
		`{"cap_pixels_per_frame": 1}`:                             "cap_pixels_per_frame is a number",
		`{"cap_pixels_per_frame": true, "max_video_tokens": "x"}`: "max_video_tokens",
	} {
		_, err := Qwen2VL.ParseVideoPreprocessor("p.json", []byte(doc))
		wantError(t, err, "p.json", want)
	}
}

// TestReadProcessors: each file alone and beside the others, with the precedence of transformers 5.24.
func TestReadProcessors(t *testing.T) {
	size := func(max int) string { return fmt.Sprintf(`{"size": {"shortest_edge": 784, "longest_edge": %d}}`, max) }
	both := func(image, video int) string {
		return `{"image_processor": ` + size(image) + `, "video_processor": ` + size(video) + `}`
	}
	for name, c := range map[string]struct {
		files        map[string]string
		image, video int
		from         string // what the images' is read from
		notes        int
	}{
		"older":               {map[string]string{PreprocessorName: size(1000)}, 1000, 1000, "m/preprocessor_config.json", 0},
		"one file, two sizes": {map[string]string{PreprocessorName: `{"size": {"shortest_edge": 784, "longest_edge": 9999}, "max_pixels": 5000}`}, 5000, 5000, "m/preprocessor_config.json", 1}, // not told twice
		"4.52 to 4.57":        {map[string]string{PreprocessorName: size(1000), VideoPreprocessorName: size(2000)}, 1000, 2000, "m/preprocessor_config.json", 0},
		"5":                   {map[string]string{ProcessorName: both(3000, 4000)}, 3000, 4000, "m/processor_config.json: image_processor", 0},
		"5 beside older": {map[string]string{ProcessorName: both(3000, 4000), PreprocessorName: size(1000), VideoPreprocessorName: size(2000)},
			3000, 4000, "m/processor_config.json: image_processor", 2},
		"5 beside the same":    {map[string]string{ProcessorName: both(3000, 4000), PreprocessorName: size(3000), VideoPreprocessorName: size(4000)}, 3000, 4000, "m/processor_config.json: image_processor", 0},
		"5 without video":      {map[string]string{ProcessorName: `{"image_processor": ` + size(3000) + `}`, PreprocessorName: size(1000)}, 3000, 1000, "m/processor_config.json: image_processor", 1},
		"a label beside":       {map[string]string{ProcessorName: `{"processor_class": "Qwen2VLProcessor"}`, PreprocessorName: size(1000)}, 1000, 1000, "m/preprocessor_config.json", 0},
		"null beside":          {map[string]string{ProcessorName: `{"image_processor": null}`, PreprocessorName: size(1000)}, 1000, 1000, "m/preprocessor_config.json", 0},
		"stale and unreadable": {map[string]string{ProcessorName: both(3000, 4000), PreprocessorName: `{"do_resize": false}`}, 3000, 4000, "m/processor_config.json: image_processor", 1},
	} {
		files := fstest.MapFS{}
		for n, text := range c.files {
			files[n] = &fstest.MapFile{Data: []byte(text)}
		}
		p, err := Qwen2VL.ReadProcessors(files, "m")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Image.MaxPixels != c.image || p.Video.MaxPixels != c.video || p.Image.File != c.from || len(p.Notes) != c.notes {
			t.Errorf("%s: image %+v\nvideo %+v\nnotes %q", name, p.Image, p.Video, p.Notes)
		}
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none":            {nil, "neither preprocessor_config.json, nor processor_config.json with image_processor inside"},
		"only videos'":    {map[string]string{VideoPreprocessorName: size(1000)}, "neither preprocessor_config.json"},
		"no JSON":         {map[string]string{ProcessorName: "{"}, "m/processor_config.json: JSON ends early"},
		"not an object":   {map[string]string{ProcessorName: `{"image_processor": 3}`}, "m/processor_config.json: image_processor is a number"},
		"names the place": {map[string]string{ProcessorName: `{"image_processor": {"do_resize": false}}`}, "m/processor_config.json: image_processor.do_resize is false"},
	} {
		files := fstest.MapFS{}
		for n, text := range c.files {
			files[n] = &fstest.MapFile{Data: []byte(text)}
		}
		_, err := Qwen2VL.ReadProcessors(files, "m")
		t.Log(name)
		wantError(t, err, c.want)
	}
}
