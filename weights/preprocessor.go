package weights

import (
	"fmt"
	"math"
)

// Preprocessor is how pictures, or the frames of a video, become patches: a
// preprocessor_config.json or video_preprocessor_config.json, or one of the two
// objects of a processor_config.json.
type Preprocessor struct {
	File              string // what it was read from, for messages
	MinPixels         int    // area bounds of a resized picture
	MaxPixels         int
	PatchSize         int // pixels on a side
	TemporalPatchSize int // frames in a patch
	MergeSize         int // patches on a side that the merger joins
	ImageMean         [3]float64
	ImageStd          [3]float64
	RescaleFactor     float64 // 1/255
	MaxVideoTokens    int     // of a video: what CapPixels shares among its frames
	CapPixels         bool    // cap_pixels_per_frame: the longer a video, the smaller its frames
	SampleFrames      bool    // do_sample_frames: the processor chooses frames, which loupe does not do
	Unknown           []string
	Notes             []string // which of two values is used
}

// bicubic is Pillow's number for the filter; 1/255 brings bytes to 0..1.
const (
	bicubic = 3
	rescale = 1.0 / 255
)

// ParsePreprocessor checks a preprocessor_config.json; file stands for it in
// errors. An absent value is the class's (see classValues): published files
// leave out some, and others hold nothing but the class's name. A value that
// asks for anything else than Qwen2VLImageProcessor does is an error.
func (m *Family) ParsePreprocessor(file string, data []byte) (*Preprocessor, error) {
	return m.parsePreprocessor(file, data, false)
}

// ParseVideoPreprocessor is ParsePreprocessor for the frames of videos: a
// video_preprocessor_config.json, with the defaults of Qwen2VLVideoProcessor.
func (m *Family) ParseVideoPreprocessor(file string, data []byte) (*Preprocessor, error) {
	return m.parsePreprocessor(file, data, true)
}

func (m *Family) parsePreprocessor(file string, data []byte, video bool) (*Preprocessor, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m.readPreprocessor(newFields(file, obj), file, video)
}

func (m *Family) readPreprocessor(f *fields, file string, video bool) (*Preprocessor, error) {
	d := m.class.Image
	if video {
		d = m.class.Video
	}
	f.textOr("image_processor_type", "", m.imageProcessors...)
	f.textOr("video_processor_type", "", m.videoProcessors...)
	p := &Preprocessor{
		File:              file,
		PatchSize:         f.integerOr("patch_size", 1, 1024, d.PatchSize),
		TemporalPatchSize: f.integerOr("temporal_patch_size", 1, 64, d.TemporalPatchSize),
		MergeSize:         f.integerOr("merge_size", 1, 64, d.MergeSize),
		ImageMean:         f.rgbOr("image_mean", -1e3, 1e3, d.ImageMean),
		ImageStd:          f.rgbOr("image_std", 1e-6, 1e3, d.ImageStd),
		RescaleFactor:     rescale,
		MaxVideoTokens:    d.MaxVideoTokens,
	}
	size := f.scope("size")
	given := len(size.obj) > 0
	var saidMin, saidMax bool
	p.MinPixels, saidMin = pixels(f, size, given, "min_pixels", "shortest_edge", d.MinPixels)
	p.MaxPixels, saidMax = pixels(f, size, given, "max_pixels", "longest_edge", d.MaxPixels)
	// Of a bound that is said and one that is the class's, which may be past it, the reference uses both: first the upper one.
	if *f.err == nil && p.MinPixels > p.MaxPixels && saidMin && saidMax {
		f.fail("min_pixels", "is %d, more than max_pixels %d", p.MinPixels, p.MaxPixels)
	}
	f.integerOr("resample", bicubic, bicubic, bicubic)
	if x := f.numberOr("rescale_factor", 0, 1e3, rescale); math.Abs(x-rescale) > 1e-12 {
		f.fail("rescale_factor", "is %g; only 1/255 is supported", x)
	}
	for _, key := range []string{"do_resize", "do_rescale", "do_normalize", "do_convert_rgb"} {
		if !f.boolOr(key, true) {
			f.fail(key, "is false; only true is supported")
		}
	}
	for _, key := range []string{"do_center_crop", "do_pad"} {
		if f.boolOr(key, false) {
			f.fail(key, "is true; %s pictures are neither cropped nor padded", m.Name)
		}
	}
	f.textOr("data_format", "channels_first", "channels_first")
	if video {
		p.MaxVideoTokens = f.integerOr("max_video_tokens", 1, 1<<30, d.MaxVideoTokens)
		p.CapPixels = f.boolOr("cap_pixels_per_frame", false)
		p.SampleFrames = f.boolOr("do_sample_frames", false)
	}
	for _, s := range []*fields{f, size} {
		for _, key := range sortedKeys(s.obj) {
			if !s.read[key] && !inert(s.obj[key]) && preprocessorInert[key] == "" {
				p.Unknown = append(p.Unknown, s.prefix+key)
			}
		}
	}
	if *f.err != nil {
		return nil, *f.err
	}
	p.Notes = *f.notes
	return p, nil
}

// Check makes sure that pictures are cut as the vision tower expects.
func (p *Preprocessor) Check(v VisionConfig) error {
	for _, x := range []struct {
		key        string
		have, want int
		other      string
	}{
		{"patch_size", p.PatchSize, v.PatchSize, "patch_size"},
		{"temporal_patch_size", p.TemporalPatchSize, v.TemporalPatchSize, "temporal_patch_size"},
		{"merge_size", p.MergeSize, v.SpatialMergeSize, "spatial_merge_size"},
	} {
		if x.have != x.want {
			return fmt.Errorf("%s: %s is %d, but vision_config.%s of config.json is %d; they must agree", p.File, x.key, x.have, x.other, x.want)
		}
	}
	return nil
}

// pixels reads one bound of the area. As in Qwen2VLImageProcessor, min_pixels
// and max_pixels (published) go before size's shortest_edge and longest_edge
// (newer; areas in spite of the names), and a size that is there must hold
// what they do not say. AWQ's files have the older names inside size. said is
// false where the bound is the class's.
func pixels(f, size *fields, given bool, key, edge string, class int) (n int, said bool) {
	const limit = 1 << 30
	inSize := size.integerOr(edge, 1, limit, 0)
	if old := size.integerOr(key, 1, limit, 0); inSize == 0 {
		inSize = old
	}
	n = f.integerOr(key, 1, limit, 0)
	switch {
	case n != 0 && inSize != 0 && n != inSize:
		f.note(key, "is %d and is used, though size says %d", n, inSize)
	case n == 0 && inSize != 0:
		n = inSize
	case n == 0 && given:
		size.fail(edge, "is missing; pictures cannot be sized by a size without it")
	case n == 0:
		return class, false
	}
	return n, true
}

// rgbOr reads an array of three numbers, with a value for an absent key.
func (f *fields) rgbOr(key string, lo, hi float64, absent [3]float64) (out [3]float64) {
	if !f.has(key) {
		f.read[key] = true
		return absent
	}
	for i, v := range f.list(key, 3, 3) {
		out[i] = f.toNumber(key, v, lo, hi)
	}
	return out
}

// preprocessorInert are keys of the processors that change nothing, with the reason.
var preprocessorInert = map[string]string{
	"processor_class":        "a label",
	"image_processor_type":   "a label",
	"video_processor_type":   "a label",
	"feature_extractor_type": "a label of older versions",
	"auto_map":               "where a class of its own would be found",
	"vision_token_id":        "no class reads it",
	"default_to_square":      "concerns sizes given as one number",
	"device":                 "where transformers would compute",
	"input_data_format":      "of arrays; loupe decodes files",
	"return_tensors":         "of transformers' results",
	"return_metadata":        "of transformers' results",
	"disable_grouping":       "how transformers runs",
	"_valid_processor_keys":  "names of arguments",
	"fps":                    "concerns do_sample_frames alone",
	"num_frames":             "concerns do_sample_frames alone",
	"min_frames":             "concerns do_sample_frames alone",
	"max_frames":             "concerns do_sample_frames alone",
	"use_token_compression":  "no class reads it",
	"video_metadata":         "of transformers' results",
}
