package picture

import (
	"context"
	"errors"
	"fmt"

	"github.com/loupe-vl/loupe/vit/jpeg"
)

// Decode decodes a picture of any known kind, the first frame of an animated one, and turns it upright by its EXIF or
// XMP orientation. Alpha is dropped, as Pillow's convert("RGB") drops it. Truncated and corrupt files are errors. A decode
// ends soon after ctx is done.
func Decode(ctx context.Context, data []byte, l Limits) (img Image, err error) {
	orientation := 1
	kind := sniff(data)
	switch kind {
	case "JPEG":
		if orientation, err = jpegOrientation(data); err != nil {
			break
		}
		var j *jpeg.Image
		if j, err = jpeg.Decode(ctx, data, l.most()); err == nil {
			img = Image{Width: j.Width, Height: j.Height, Pix: j.Pix}
		}
	case "PNG":
		img, orientation, err = decodePNG(ctx, data, l)
	case "GIF":
		img, err = decodeGIF(ctx, data, l)
	case "WebP":
		if orientation, err = webpOrientation(data); err == nil {
			img, err = decodeWebP(ctx, data, l)
		}
	case "BMP":
		img, err = decodeBMP(ctx, data, l)
	case "TIFF":
		img, orientation, err = decodeTIFF(ctx, data, l)
	case "PNM":
		img, err = decodePNM(ctx, data, l)
	case "":
		return img, errors.New("the file is empty; give a picture")
	default:
		return img, fmt.Errorf("the file is %s, not a picture that loupe reads; %s", kind, remedy(kind))
	}
	if cause := ctx.Err(); cause != nil {
		return Image{}, cause
	}
	if err != nil {
		return Image{}, fmt.Errorf("decode %s: %w", kind, err)
	}
	return upright(img, orientation), nil
}

func (l Limits) most() int {
	if l.MaxPixels > 0 {
		return l.MaxPixels
	}
	return DefaultMaxPixels
}

// jpegOrientation is the orientation by which Pillow turns a JPEG. Exif without a TIFF header is an error, unless Pillow
// has read it before while looking for the resolution: then it and XMP are ignored.
func jpegOrientation(data []byte) (int, error) {
	m := jpeg.ReadMetadata(data)
	o, err := orientationOf(m.Exif, m.XMP)
	if err != nil && !m.DPI {
		return 1, nil
	}
	return o, err
}

// damaged adds to a decoder's error what to do.
func damaged(err error) error {
	return fmt.Errorf("the file is truncated, corrupt or of a variant that is not supported (%w); save it again as PNG or JPEG", err)
}
