package picture

import (
	"context"
	"fmt"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Image is a picture: Pix holds red, green and blue of each pixel, row by row, 3*Width*Height bytes.
type Image struct {
	Width, Height int
	Pix           []byte
	// Key is the color that the file marks as transparent, nil for none. Decoding keeps it as it is, as Pillow does; the
	// processor shows such pixels white, as the reference's convert_to_rgb does.
	Key *[3]byte
	// Tensor says that the reference holds the pixels as floats, as for frames from qwen_vl_utils. The processor then
	// resizes them without rounding or clamping.
	Tensor bool
}

func newImage(w, h int) Image { return Image{Width: w, Height: h, Pix: make([]byte, 3*w*h)} }

// Limits bound what a file may ask for.
type Limits struct {
	MaxPixels int // width x height of a picture, checked before memory is taken; 0: DefaultMaxPixels
}

// DefaultMaxPixels is the limit at which Pillow refuses a picture as a decompression bomb.
const DefaultMaxPixels = 178956970

// check is an error if a picture of w x h is empty or too large.
func (l Limits) check(w, h int) error {
	most := l.MaxPixels
	if most <= 0 {
		most = DefaultMaxPixels
	}
	if w <= 0 || h <= 0 {
		return fmt.Errorf("the picture is %d x %d pixels: it is empty; give another", w, h)
	}
	if w > most/h {
		return fmt.Errorf("the picture is %d x %d pixels, more than the limit of %d; make it smaller first", w, h, most)
	}
	return nil
}

// A picture that takes more than bombMemory bytes to decode, and more than bombRatio times its file, is refused: no
// camera, scanner or painter writes such files.
const (
	bombMemory = 200 << 20
	bombRatio  = 200
)

// checkMemory is an error if a file of this size would take far more memory than a picture of that size can need.
func (l Limits) checkMemory(need, file int) error {
	if need > bombMemory && need/bombRatio > file {
		return fmt.Errorf("the file has %d bytes and its picture takes %d MB, as a decompression bomb does; make the picture smaller first", file, need>>20)
	}
	return nil
}

// LoadFile reads and decodes a file. Every error names it.
func LoadFile(ctx context.Context, path string, l Limits) (Image, error) {
	data, err := disk.ReadContext(ctx, path, disk.PictureLimit)
	if err != nil {
		return Image{}, fmt.Errorf("read picture: %w", err)
	}
	img, err := Decode(ctx, data, l)
	if err != nil {
		return Image{}, fmt.Errorf("read picture %s: %w", path, err)
	}
	return img, nil
}
