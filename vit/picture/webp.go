package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"slices"

	"golang.org/x/image/webp"
)

// riffChunk is one chunk of a WebP container.
type riffChunk struct {
	name string
	body []byte
}

// webpChunks lists the chunks of a container; what follows its end is not looked at.
func webpChunks(data []byte) ([]riffChunk, error) {
	end := 8 + uint64(binary.LittleEndian.Uint32(data[4:]))
	if end < 12 || end > uint64(len(data)) {
		return nil, fmt.Errorf("the file has %d bytes, and its header says %d", len(data), end)
	}
	data = data[12:end]
	var out []riffChunk
	for len(data) >= 8 {
		n := uint64(binary.LittleEndian.Uint32(data[4:]))
		if n+8 > uint64(len(data)) {
			return out, fmt.Errorf("chunk %q is cut off", data[:4])
		}
		out = append(out, riffChunk{string(data[:4]), data[8 : 8+n]})
		data = data[min(8+n+n&1, uint64(len(data))):]
	}
	return out, nil
}

func decodeWebP(ctx context.Context, data []byte, l Limits) (Image, error) {
	chunks, err := webpChunks(data)
	if err != nil {
		return Image{}, damaged(err)
	}
	if len(chunks) == 0 || chunks[0].name != "VP8X" && chunks[0].name != "VP8 " && chunks[0].name != "VP8L" {
		return Image{}, damaged(errors.New("it begins with none of the chunks that a WebP begins with"))
	}
	if c := chunks[0]; c.name == "VP8X" && len(c.body) >= 10 && c.body[0]&webpAnimation != 0 {
		if err := checkWebPFrames(c.body, chunks); err != nil {
			return Image{}, damaged(err)
		}
		if err := l.checkMemory(3*(uint24(c.body[4:])+1)*(uint24(c.body[7:])+1), len(data)); err != nil {
			return Image{}, err
		}
		return firstWebPFrame(ctx, c.body, chunks, l)
	}
	for _, c := range chunks {
		if c.name == "VP8 " && len(c.body) >= 1<<24 {
			return Image{}, fmt.Errorf("it holds %d bytes of lossy data, and WebP of 16 MB and more is not supported; save it again as PNG or JPEG", len(c.body))
		}
	}
	return stillWebP(ctx, announceAlpha(data, chunks), l)
}

// announceAlpha makes the alpha flag of the header say whether there is an alpha chunk: libwebp goes by the chunk, and
// x/image refuses where the two differ.
func announceAlpha(data []byte, chunks []riffChunk) []byte {
	if len(chunks) == 0 || chunks[0].name != "VP8X" || len(chunks[0].body) == 0 {
		return data
	}
	has := slices.ContainsFunc(chunks, func(c riffChunk) bool { return c.name == "ALPH" })
	if has == (chunks[0].body[0]&webpAlpha != 0) {
		return data
	}
	out := bytes.Clone(data)
	out[20] ^= webpAlpha
	return out
}

func stillWebP(ctx context.Context, data []byte, l Limits) (Image, error) {
	c, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return Image{}, damaged(err)
	}
	if err := l.check(c.Width, c.Height); err != nil {
		return Image{}, err
	}
	if err := l.checkMemory(7*c.Width*c.Height, len(data)); err != nil { // four bytes a pixel, and then three
		return Image{}, err
	}
	img, err := decodeUntil(ctx, func() (image.Image, error) { return webp.Decode(bytes.NewReader(data)) })
	if err != nil {
		return Image{}, damaged(err)
	}
	switch p := img.(type) {
	case *image.YCbCr:
		return webpRGB(p), nil
	case *image.NYCbCrA:
		return webpRGB(&p.YCbCr), nil
	}
	return fromNRGBA(img)
}

// decodeUntil waits for a decoder that takes no context, or for ctx to end. In that case the decoder runs to its end, a few
// seconds at most, and its result is dropped.
func decodeUntil(ctx context.Context, decode func() (image.Image, error)) (image.Image, error) {
	type result struct {
		img image.Image
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("the decoder failed: %v", p)
			}
			done <- r
		}()
		r.img, r.err = decode()
	}()
	select {
	case r := <-done:
		return r.img, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// uint24 is a 3-byte number of a WebP header.
func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// firstWebPFrame decodes the first frame of an animation, on a black canvas: x/image knows no animations, so the frame's
// chunks are put into a container of their own.
func firstWebPFrame(ctx context.Context, header []byte, chunks []riffChunk, l Limits) (Image, error) {
	w, h := uint24(header[4:])+1, uint24(header[7:])+1
	if err := l.check(w, h); err != nil {
		return Image{}, err
	}
	for _, c := range chunks {
		if c.name != "ANMF" || len(c.body) < 16 {
			continue
		}
		x, y := 2*uint24(c.body), 2*uint24(c.body[3:])
		frame, err := stillWebP(ctx, wrapFrame(c.body), l)
		if err != nil {
			return Image{}, err
		}
		if x+frame.Width > w || y+frame.Height > h {
			return Image{}, damaged(errors.New("the first frame lies beyond the canvas"))
		}
		out := newImage(w, h)
		for row := range frame.Height {
			copy(out.Pix[3*((y+row)*w+x):], frame.Pix[3*row*frame.Width:3*(row+1)*frame.Width])
		}
		return out, nil
	}
	return Image{}, damaged(errors.New("the animation has no frame"))
}

// checkWebPFrames refuses an animation that libwebp refuses before it shows the first frame: one without its ANIM chunk, or
// with a frame beyond the canvas, or of another size than its picture.
func checkWebPFrames(header []byte, chunks []riffChunk) error {
	w, h := uint24(header[4:])+1, uint24(header[7:])+1
	if !slices.ContainsFunc(chunks, func(c riffChunk) bool { return c.name == "ANIM" && len(c.body) >= 6 }) {
		return errors.New("the animation lacks its ANIM chunk")
	}
	frames := slices.DeleteFunc(slices.Clone(chunks), func(c riffChunk) bool { return c.name != "ANMF" })
	for i, c := range frames {
		n := i + 1
		if len(c.body) < 24 {
			return fmt.Errorf("frame %d is cut off", n)
		}
		x, y, fw, fh := 2*uint24(c.body), 2*uint24(c.body[3:]), uint24(c.body[6:])+1, uint24(c.body[9:])+1
		if x+fw > w || y+fh > h {
			return fmt.Errorf("frame %d lies beyond the canvas", n)
		}
		config, err := webp.DecodeConfig(bytes.NewReader(wrapFrame(c.body)))
		if err != nil || len(frames) > 1 && (config.Width != fw || config.Height != fh) {
			return fmt.Errorf("frame %d does not hold a picture of %d x %d pixels", n, fw, fh)
		}
	}
	return nil
}

// wrapFrame makes a still WebP of an ANMF chunk: an extended header, with the alpha flag if there is alpha, and its chunks.
func wrapFrame(anmf []byte) []byte {
	body := anmf[16:]
	header := make([]byte, 10)
	if len(body) >= 4 && string(body[:4]) == "ALPH" {
		header[0] = webpAlpha
	}
	copy(header[4:], anmf[6:12]) // width and height less one
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	if header[0] != 0 {
		out = append(append(out, "VP8X\x0a\x00\x00\x00"...), header...)
	}
	out = append(out, body...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// Flags of a VP8X header.
const (
	webpAnimation = 1 << 1
	webpXMP       = 1 << 2
	webpEXIF      = 1 << 3
	webpAlpha     = 1 << 4
)

// webpOrientation reads the EXIF chunk, or else the XMP packet; libwebp sees neither where the header does not announce it.
func webpOrientation(data []byte) (int, error) {
	chunks, _ := webpChunks(data)
	var exif, xmp []byte
	var flags byte
	for _, c := range chunks {
		switch {
		case c.name == "VP8X" && len(c.body) > 0:
			flags = c.body[0]
		case c.name == "EXIF" && flags&webpEXIF != 0 && exif == nil:
			exif = c.body
		case c.name == "XMP " && flags&webpXMP != 0 && xmp == nil:
			xmp = c.body
		}
	}
	return orientationOf(exif, xmp)
}
