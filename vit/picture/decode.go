package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/loupe-vl/loupe/vit/jpeg"
	"golang.org/x/image/bmp"
)

// Decode decodes a picture of any known kind, the first frame of an animated one, and turns it upright by its EXIF or
// XMP orientation. Alpha is dropped, as Pillow's convert("RGB") drops it. Truncated and corrupt files are errors.
func Decode(ctx context.Context, data []byte, l Limits) (img Image, err error) {
	orientation := 1
	switch kind := sniff(data); kind {
	case "JPEG":
		orientation = jpeg.Orientation(data)
		var j *jpeg.Image
		if j, err = jpeg.Decode(ctx, data, l.most()); err == nil {
			img = Image{Width: j.Width, Height: j.Height, Pix: j.Pix}
		}
	case "PNG":
		orientation = pngOrientation(data)
		img, err = decodePNG(data, l)
	case "GIF":
		img, err = decodeGIF(data, l)
	case "WebP":
		orientation = webpOrientation(data)
		img, err = decodeWebP(data, l)
	case "BMP":
		img, err = decodeStd(data, l, bmp.DecodeConfig, bmp.Decode)
	case "TIFF":
		if o, ok := jpeg.ExifOrientation(data); ok {
			orientation = o
		}
		img, err = decodeTIFF(data, l)
	case "":
		return img, errors.New("the file is empty; give a picture")
	default:
		return img, fmt.Errorf("the file is %s, not a picture that loupe reads; give a JPEG, PNG, GIF, WebP, BMP or TIFF", kind)
	}
	if err != nil {
		return Image{}, fmt.Errorf("decode %s: %w", sniff(data), err)
	}
	return upright(img, orientation), nil
}

func (l Limits) most() int {
	if l.MaxPixels > 0 {
		return l.MaxPixels
	}
	return DefaultMaxPixels
}

// sniff tells the kind of a file by its first bytes: "" if there are none.
func sniff(data []byte) string {
	for _, k := range []struct{ magic, kind string }{
		{"\xff\xd8\xff", "JPEG"}, {"\x89PNG\r\n\x1a\n", "PNG"}, {"GIF87a", "GIF"}, {"GIF89a", "GIF"},
		{"BM", "BMP"}, {"II*\x00", "TIFF"}, {"MM\x00*", "TIFF"},
	} {
		if bytes.HasPrefix(data, []byte(k.magic)) {
			return k.kind
		}
	}
	switch {
	case len(data) == 0:
		return ""
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return "WebP"
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		return "HEIC or AVIF (or a video)"
	case bytes.HasPrefix(data, []byte("%PDF")):
		return "a PDF"
	case bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")):
		return "SVG or other XML"
	}
	return "of an unknown kind"
}

// decodeStd decodes with one of Go's packages, after a look at the size.
func decodeStd(data []byte, l Limits, config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) (Image, error) {
	c, err := config(bytes.NewReader(data))
	if err != nil {
		return Image{}, damaged(err)
	}
	if err := l.check(c.Width, c.Height); err != nil {
		return Image{}, err
	}
	img, err := decode(bytes.NewReader(data))
	if err != nil {
		return Image{}, damaged(err)
	}
	return toRGB(img, false)
}

// damaged adds to a decoder's error what to do.
func damaged(err error) error {
	return fmt.Errorf("the file is truncated, corrupt or of a variant that is not supported (%w); save it again as PNG or JPEG", err)
}
