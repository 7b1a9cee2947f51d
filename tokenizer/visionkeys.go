package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// VisionKeys are the keys of a message part for the size of its picture or the frames of its video, as Qwen2-VL's README
// writes them for qwen_vl_utils. A key that is not given is 0 or nil.
type VisionKeys struct {
	MinPixels     int      `json:",omitzero"` // area of the resized picture, or of each frame
	MaxPixels     int      `json:",omitzero"`
	TotalPixels   int      `json:",omitzero"` // of all frames of a video
	ResizedHeight int      `json:",omitzero"` // in place of the picture's own size
	ResizedWidth  int      `json:",omitzero"`
	FPS           float64  `json:",omitzero"` // frames a second to take of a video
	NFrames       int      `json:",omitzero"` // or so many frames
	MinFrames     int      `json:",omitzero"`
	MaxFrames     int      `json:",omitzero"`
	VideoStart    *float64 `json:",omitzero"` // seconds
	VideoEnd      *float64 `json:",omitzero"`
	SampleFPS     float64  `json:",omitzero"` // rates of a list of frames, which move nothing in Qwen2-VL: its positions count frames
	RawFPS        float64  `json:",omitzero"`
}

// Given reports whether any key is given.
func (k VisionKeys) Given() bool { return k != VisionKeys{} }

// Chooses reports whether the keys choose among the frames of a video file. fps
// also stands beside a list of frames, where it tells how they were taken.
func (k VisionKeys) Chooses() bool {
	return k.NFrames != 0 || k.MinFrames != 0 || k.MaxFrames != 0 || k.VideoStart != nil || k.VideoEnd != nil
}

var (
	sizeKeys  = []string{"min_pixels", "max_pixels", "resized_height", "resized_width"}
	videoKeys = []string{"total_pixels", "fps", "nframes", "min_frames", "max_frames", "video_start", "video_end", "sample_fps", "raw_fps"}
)

// visionKeys reads the keys of a part, other than the source of its picture.
func (p *Part) visionKeys(keys map[string]json.RawMessage) error {
	k := &p.Vision
	for name, to := range map[string]*int{
		"min_pixels": &k.MinPixels, "max_pixels": &k.MaxPixels, "total_pixels": &k.TotalPixels,
		"resized_height": &k.ResizedHeight, "resized_width": &k.ResizedWidth,
		"nframes": &k.NFrames, "min_frames": &k.MinFrames, "max_frames": &k.MaxFrames,
	} {
		x, ok, err := numberKey(keys, name)
		switch {
		case err != nil:
			return err
		case ok && (x != math.Trunc(x) || x < 1 || x > 1<<40):
			return fmt.Errorf("%s is %s; give a whole number above 0", name, keys[name])
		case ok:
			*to = int(x)
		}
	}
	rate, ok, err := numberKey(keys, "fps")
	if err != nil || ok && !(rate > 0 && rate <= 1e6) {
		return errors.Join(err, bad(ok, "fps is %s; give a number above 0", keys["fps"]))
	}
	k.FPS = rate
	for name, to := range map[string]**float64{"video_start": &k.VideoStart, "video_end": &k.VideoEnd} {
		x, ok, err := numberKey(keys, name)
		if err != nil || ok && x < 0 {
			return errors.Join(err, bad(ok, "%s is %s; give seconds from 0 on", name, keys[name]))
		}
		if ok {
			*to = &x
		}
	}
	for name, to := range map[string]*float64{"sample_fps": &k.SampleFPS, "raw_fps": &k.RawFPS} {
		if *to, _, err = numberKey(keys, name); err != nil {
			return err
		}
	}
	return k.check()
}

func bad(is bool, format string, a ...any) error {
	if !is {
		return nil
	}
	return fmt.Errorf(format, a...)
}

// check refuses combinations in which a key has no effect.
func (k VisionKeys) check() error {
	switch {
	case (k.ResizedHeight == 0) != (k.ResizedWidth == 0):
		return errors.New("resized_height and resized_width hold together; give both or neither")
	case k.ResizedHeight != 0 && (k.MinPixels != 0 || k.MaxPixels != 0 || k.TotalPixels != 0):
		return errors.New("min_pixels, max_pixels and total_pixels have no effect beside resized_height and resized_width; leave one of the two ways out")
	case k.MinPixels != 0 && k.MaxPixels != 0 && k.MinPixels > k.MaxPixels:
		return fmt.Errorf("min_pixels %d is more than max_pixels %d", k.MinPixels, k.MaxPixels)
	case k.FPS != 0 && k.NFrames != 0:
		return errors.New("both fps and nframes are given; keep one")
	case k.NFrames != 0 && (k.MinFrames != 0 || k.MaxFrames != 0):
		return errors.New("min_frames and max_frames bound what fps takes, and have no effect beside nframes; leave them out")
	}
	return nil
}

// numberKey is a number, or a number in a string, as some write it.
func numberKey(keys map[string]json.RawMessage, name string) (float64, bool, error) {
	raw, ok := keys[name]
	if !ok || !given(raw) {
		return 0, false, nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if json.Unmarshal(raw, &text) != nil {
			return 0, true, fmt.Errorf("%s is not a number", name)
		}
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, true, fmt.Errorf("%s is %.40s, not a number", name, raw)
	}
	return x, true, nil
}
