package weights

import (
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Preprocessor is preprocessor_config.json: how pictures become patches.
type Preprocessor struct {
	MinPixels         int // area bounds of a resized picture
	MaxPixels         int
	PatchSize         int // pixels on a side
	TemporalPatchSize int // frames in a patch
	MergeSize         int // patches on a side that the merger joins
	ImageMean         [3]float64
	ImageStd          [3]float64
	RescaleFactor     float64 // 1/255
	Unknown           []string
}

// bicubic is Pillow's number for the filter; 1/255 brings bytes to 0..1.
const (
	bicubic = 3
	rescale = 1.0 / 255
)

// ReadPreprocessor reads and checks a preprocessor_config.json.
func ReadPreprocessor(path string) (*Preprocessor, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read preprocessor config: %w", err)
	}
	return ParsePreprocessor(path, data)
}

// ParsePreprocessor checks a preprocessor_config.json; file stands for it in
// errors. The pixel bounds may be min_pixels and max_pixels (published), or
// size's shortest_edge and longest_edge (newer; areas in spite of the names);
// where both are there they must agree. resample, rescale_factor and the do_*
// switches may be absent, since the published files leave them to
// Qwen2VLImageProcessor, but may not ask for anything else than it does.
func ParsePreprocessor(file string, data []byte) (*Preprocessor, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	f.textOr("image_processor_type", "", "Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast", "Qwen2VLImageProcessorPil")
	p := &Preprocessor{
		PatchSize:         f.integer("patch_size", 1, 1024),
		TemporalPatchSize: f.integer("temporal_patch_size", 1, 64),
		MergeSize:         f.integer("merge_size", 1, 64),
		ImageMean:         f.rgb("image_mean", -1e3, 1e3),
		ImageStd:          f.rgb("image_std", 1e-6, 1e3),
		RescaleFactor:     rescale,
	}
	size := f.scope("size")
	p.MinPixels = pixels(f, size, "min_pixels", "shortest_edge")
	p.MaxPixels = pixels(f, size, "max_pixels", "longest_edge")
	if *f.err == nil && p.MinPixels > p.MaxPixels {
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
			f.fail(key, "is true; Qwen2-VL pictures are neither cropped nor padded")
		}
	}
	f.textOr("data_format", "channels_first", "channels_first")
	for _, s := range []*fields{f, size} {
		for _, key := range sortedKeys(s.obj) {
			if !s.read[key] && !inert(s.obj[key]) && !preprocessorHarmless(key) {
				p.Unknown = append(p.Unknown, s.prefix+key)
			}
		}
	}
	if *f.err != nil {
		return nil, *f.err
	}
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
			return fmt.Errorf("preprocessor_config.json: %s is %d, but vision_config.%s of config.json is %d; they must agree", x.key, x.have, x.other, x.want)
		}
	}
	return nil
}

// pixels reads one bound of the area, in whichever places it is given.
func pixels(f, size *fields, key, edge string) int {
	const limit = 1 << 30
	n := f.integerOr(key, 1, limit, 0)
	for _, k := range []string{edge, key} {
		m := size.integerOr(k, 1, limit, n)
		if n != 0 && m != n {
			size.fail(k, "is %d, but %s elsewhere is %d; loupe cannot tell which one is meant: remove one", m, key, n)
		}
		n = m
	}
	if n == 0 {
		f.fail(key, "is missing, and so is size.%s; pictures cannot be sized without it", edge)
	}
	return n
}

// rgb reads an array of three numbers.
func (f *fields) rgb(key string, lo, hi float64) (out [3]float64) {
	for i, v := range f.list(key, 3, 3) {
		out[i] = f.toNumber(key, v, lo, hi)
	}
	return out
}

// preprocessorHarmless: labels, and settings of transformers' own machinery.
func preprocessorHarmless(key string) bool {
	switch key {
	case "processor_class", "feature_extractor_type", "vision_token_id", "default_to_square", "device", "input_data_format",
		"return_tensors", "disable_grouping", "_valid_processor_keys", "auto_map":
		return true
	}
	return false
}
