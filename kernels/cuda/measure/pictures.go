package main

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
)

// pictureSides are the pictures that are measured: as wide as high, 14 pixels a patch: 4,096 patches, and 1,024, which are 256 tokens.
var pictureSides = []int{896, 448}

// writePictures writes SIDE.png for each, of smooth colors.
func writePictures(dir string) error {
	for _, side := range pictureSides {
		m := image.NewRGBA(image.Rect(0, 0, side, side))
		for y := range side {
			for x := range side {
				m.SetRGBA(x, y, color.RGBA{uint8(255 * x / side), uint8(255 * y / side), uint8((x*7 ^ y*5) & 127), 255})
			}
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.png", side)))
		if err != nil {
			return err
		}
		if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
