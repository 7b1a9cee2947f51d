package loupe

import (
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
)

// What follows is qwen_vl_utils 0.0.14, fetch_image and fetch_video, for parts of a message that say a size or choose frames.
// Its result is resized a second time by the model's own processor where that has narrower bounds, as it is there.
const (
	tile          = 28 // pixels on a side of a merged patch: image_patch_size * SPATIAL_MERGE_SIZE
	maxSeqLen     = 128000
	minFrames     = 4
	maxFrames     = 768
	framesAtOnce  = 2
	defaultFPS    = 2.0
	leastArea     = 4     // merged patches of a picture
	mostArea      = 16384 // and at most
	leastOfFrames = 128   // of each frame of a video
	mostOfFrames  = 768
)

// sized is fetch_image: a picture resized to the area or size that its part of the message names. unit is the side that both
// sides are multiples of.
func sized(img picture.Image, k tokenizer.VisionKeys, unit int) (picture.Image, error) {
	h, w, err := k.ResizedHeight, k.ResizedWidth, error(nil)
	lo, hi := leastArea*unit*unit, mostArea*unit*unit
	if h == 0 {
		h, w = img.Height, img.Width
		lo, hi = or(k.MinPixels, lo), or(k.MaxPixels, hi)
	}
	if lo > hi {
		return img, fmt.Errorf("min_pixels is %d and max_pixels %d, where what is not given is %d to %d; give both", lo, hi, leastArea*unit*unit, mostArea*unit*unit)
	}
	if h, w, err = resizedTo(h, w, unit, lo, hi); err != nil {
		return img, err
	}
	return picture.Resize(img.OnWhite(), w, h), nil
}

func or(n, absent int) int {
	if n != 0 {
		return n
	}
	return absent
}

// resizedTo is the smart_resize of qwen_vl_utils. Other than the processor's, it has no side below unit before it looks at the
// bounds, and none of 0 may come of them.
func resizedTo(h, w, unit, lo, hi int) (int, int, error) {
	height, width, err := picture.SmartResize(h, w, unit, 0, math.MaxInt)
	if err != nil {
		return 0, 0, err
	}
	height, width = max(height, unit), max(width, unit)
	area, f := float64(h)*float64(w), float64(unit)
	if height*width > hi {
		beta := math.Sqrt(area / float64(hi))
		height, width = int(math.Floor(float64(h)/beta/f))*unit, int(math.Floor(float64(w)/beta/f))*unit
	} else if height*width < lo {
		beta := math.Sqrt(float64(lo) / area)
		height, width = int(math.Ceil(float64(h)*beta/f))*unit, int(math.Ceil(float64(w)*beta/f))*unit
	}
	if height == 0 || width == 0 {
		return 0, 0, fmt.Errorf("max_pixels %d leaves nothing of a picture of %d x %d; raise it", hi, w, h)
	}
	return height, width, nil
}

// sizedFrames is what fetch_video does with frames once they are chosen: one size for all, by the bounds of videos. listed
// says that the part lists them as pictures, each of which fetch_image has resized before, to multiples of 56. The note says
// where a bound that was asked for is not the one that holds.
func sizedFrames(frames []picture.Image, k tokenizer.VisionKeys, listed bool) (out []picture.Image, note string, err error) {
	out = make([]picture.Image, len(frames))
	for i, img := range frames {
		out[i] = img.OnWhite()
		if listed {
			if out[i], err = sized(img, k, 2*tile); err != nil {
				return nil, "", err
			}
		}
	}
	if len(out)%framesAtOnce != 0 {
		out = append(out, out[len(out)-1])
	}
	h, w := out[0].Height, out[0].Width
	for i, img := range out {
		if img.Width != w || img.Height != h {
			return nil, "", fmt.Errorf("frame %d becomes %d x %d and the first %d x %d; the frames of a video must be of one size", i+1, img.Width, img.Height, w, h)
		}
	}
	lo := or(k.MinPixels, leastOfFrames*tile*tile)
	total := float64(k.TotalPixels)
	if total == 0 {
		total = float64(maxSeqLen*tile*tile) * 0.9
	}
	most := max(min(float64(mostOfFrames*tile*tile), total/float64(len(out))*framesAtOnce), math.Trunc(float64(lo)*1.05))
	hi := int(most)
	if k.MaxPixels != 0 {
		if float64(k.MaxPixels) > most {
			note = fmt.Sprintf("max_pixels %d is more than a frame of this video may have, which is %d", k.MaxPixels, hi)
		} else {
			hi = k.MaxPixels
		}
	}
	th, tw := k.ResizedHeight, k.ResizedWidth
	if th != 0 {
		th, tw, err = resizedTo(th, tw, tile, leastArea*tile*tile, mostArea*tile*tile)
	} else if lo > hi {
		err = fmt.Errorf("min_pixels %d is more than max_pixels %d; what is not given is %d for the one, and at most %d for the other", lo, hi, leastOfFrames*tile*tile, mostOfFrames*tile*tile)
	} else {
		th, tw, err = resizedTo(h, w, tile, lo, hi)
	}
	if err != nil {
		return nil, "", err
	}
	for i := range out {
		out[i] = picture.ResizeRounded(out[i], tw, th)
	}
	return out, note, nil
}

// framesOf is smart_nframes and the choice of frames, for a video of that many frames a second.
func framesOf(frames []picture.Image, rate float64, k tokenizer.VisionKeys) ([]picture.Image, error) {
	first, last := 0, len(frames)-1
	length := float64(len(frames)) / rate
	if k.VideoStart != nil {
		first = int(math.Ceil(min(*k.VideoStart, length) * rate))
	}
	if k.VideoEnd != nil {
		last = min(int(math.Floor(min(*k.VideoEnd, length)*rate)), last)
	}
	if (k.VideoStart != nil || k.VideoEnd != nil) && first >= last {
		return nil, fmt.Errorf("video_start and video_end leave no two frames of the %d in %.2f seconds", len(frames), length)
	}
	total := last - first + 1
	n := 0
	if k.NFrames != 0 {
		n = int(math.RoundToEven(float64(k.NFrames)/framesAtOnce)) * framesAtOnce
	} else {
		fps := defaultFPS
		if k.FPS != 0 {
			fps = k.FPS
		}
		up := func(x int) float64 { return float64((x + 1) / 2 * 2) }
		down := func(x int) float64 { return float64(x / 2 * 2) }
		want := float64(total) / rate * fps
		want = min(min(max(want, up(or(k.MinFrames, minFrames))), down(or(k.MaxFrames, min(maxFrames, total)))), float64(total))
		n = int(math.Floor(want/framesAtOnce)) * framesAtOnce
	}
	if n < framesAtOnce || n > total {
		return nil, fmt.Errorf("the keys of the part ask for %d frames; give a number from %d to %d, which the video has there", n, framesAtOnce, total)
	}
	out := make([]picture.Image, n)
	step := float32(last-first) / float32(n-1)
	for i := range out { // torch.linspace, in float32 from both ends
		at := float32(first) + float32(step*float32(i))
		if i >= n/2 {
			at = float32(last) - float32(step*float32(n-1-i))
		}
		out[i] = frames[int(math.RoundToEven(float64(at)))]
	}
	return out, nil
}
