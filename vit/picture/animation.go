package picture

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// maxFrames bounds an animation.
const maxFrames = 4096

// DecodeAnimation decodes every frame of an animated GIF, and its duration in seconds, as Pillow's ImageSequence and
// convert("RGB") show them. All frames together count against the limit of pixels. If the first frame's palette is a gray
// ramp, later frames keep their colors, which Pillow loses.
func DecodeAnimation(ctx context.Context, data []byte, l Limits) (frames []Image, seconds []float64, err error) {
	if kind := sniff(data); kind != "GIF" {
		if kind == "" {
			kind = "empty"
		}
		return nil, nil, fmt.Errorf("a video file must be an animated GIF, and this is %s; give a GIF, or a directory of frames", kind)
	}
	g, f, err := firstGIFFrame(ctx, data, l)
	if err != nil {
		return nil, nil, err
	}
	canvas, err := decodeGIF(ctx, data, l)
	if err != nil {
		return nil, nil, err
	}
	if err := checkFrames(data, canvas, l); err != nil {
		return nil, nil, err
	}
	s := screen{g: g, first: f, canvas: canvas}
	for {
		frames, seconds = append(frames, s.show(f)), append(seconds, f.delay)
		next, err := g.next(ctx, l)
		if err == io.EOF {
			return frames, seconds, nil
		}
		if err != nil {
			return nil, nil, damaged(fmt.Errorf("frame %d: %w", len(frames)+1, err))
		}
		if next.x+next.w > canvas.Width || next.y+next.h > canvas.Height {
			return nil, nil, damaged(fmt.Errorf("frame %d lies beyond the screen", len(frames)+1))
		}
		f = next
	}
}

// maxAnimation is the most pixels of all frames together: they are in memory at the same time.
const maxAnimation = 1 << 27

// checkFrames counts the frames of a GIF without decoding them, and refuses more than memory can hold.
func checkFrames(data []byte, canvas Image, l Limits) error {
	g, err := openGIF(data)
	n := 0
	for err == nil && n <= maxFrames {
		if err = g.skip(); err == nil {
			n++
		}
	}
	if n > maxFrames {
		return fmt.Errorf("the animation has more than %d frames; take fewer", maxFrames)
	}
	if l.MaxPixels = min(l.most(), maxAnimation); n > 1 {
		if err := l.check(canvas.Width*n, canvas.Height); err != nil {
			return fmt.Errorf("all %d frames together: %w", n, err)
		}
	}
	if err := l.checkMemory(3*canvas.Width*canvas.Height*n, len(data)); err != nil {
		return fmt.Errorf("all %d frames together: %w", n, err)
	}
	return nil
}

// screen is what the frames of a GIF are drawn on, one after the other.
type screen struct {
	g        *gifFile
	first    *gifFrame
	canvas   Image // on which the first frame already is
	disposal int   // of the last frame that named one
}

// show draws a frame, returns what is then seen, and disposes of the frame.
func (s *screen) show(f *gifFrame) Image {
	if f.disposal != 0 {
		s.disposal = f.disposal
	}
	var before Image
	if s.disposal == 3 {
		before = s.canvas.clone()
	}
	if f != s.first {
		f.draw(s.canvas, f.transparent)
	}
	seen := s.canvas.clone()
	switch {
	case s.disposal == 2, s.disposal == 3 && f == s.first && f.transparent >= 0: // before the first frame all is transparent
		s.clear(f)
	case s.disposal == 3 && f != s.first:
		s.canvas = before
	}
	return seen
}

// clear fills a frame's rectangle with its transparent color, or else the background color. An index beyond the palette is
// black in the first frame and color 0 in others. On a gray picture the first frame's transparent color comes first.
func (s *screen) clear(f *gifFrame) {
	index := int(s.g.background)
	if f.transparent >= 0 {
		index = f.transparent
	}
	if s.first.palette == nil && s.first.transparent >= 0 {
		index = s.first.transparent
	}
	if f != s.first && f.palette != nil && 3*index >= len(f.palette) {
		index = 0
	}
	fill := f.colors()[index]
	for y := f.y; y < f.y+f.h; y++ {
		for x := f.x; x < f.x+f.w; x++ {
			copy(s.canvas.Pix[3*(y*s.canvas.Width+x):], fill[:])
		}
	}
}

func (img Image) clone() Image {
	return Image{Width: img.Width, Height: img.Height, Pix: bytes.Clone(img.Pix)}
}
