package serve

import (
	"bytes"
	"fmt"
	"image"
	"image/png"

	"github.com/loupe-vl/loupe/vit/picture"
)

// largestShown is the longer side, in pixels, of a picture that is sent to the page: no screen shows more.
const largestShown = 2048

// shrink scales a picture down so that its longer side is at most most.
func shrink(img picture.Image, most int) picture.Image {
	long := max(img.Width, img.Height)
	if long <= most {
		return img
	}
	return picture.Resize(img, max(1, img.Width*most/long), max(1, img.Height*most/long))
}

// rgba is a decoded picture for the PNG encoder.
func rgba(img picture.Image) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.Width, img.Height))
	for i := range img.Width * img.Height {
		copy(out.Pix[4*i:], img.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	return out
}

func encodePNG(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return b.Bytes(), nil
}
