package figure

import (
	"image"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/vit/picture"
)

// Seen are the pictures of a prompt as the model sees them: resized, and read back from its patches. There is one for each
// panel of a map: each frame of the images, then of the videos. If a patch joins several frames it is the first.
func Seen(p *loupe.Prompt, proc picture.Processor) []*image.RGBA {
	var out []*image.RGBA
	for _, v := range []*loupe.Vision{p.Images, p.Videos} {
		if v == nil {
			continue
		}
		at := 0
		for _, g := range v.Grids {
			order := vit.PatchOrder(g, proc.MergeSize)
			per := g[1] * g[2]
			for f := range g[0] {
				img := image.NewRGBA(image.Rect(0, 0, g[2]*proc.PatchSize, g[1]*proc.PatchSize))
				for i, place := range order[f*per : (f+1)*per] {
					drawPatch(img, v.Pixels.Row(at+i), place.Row*proc.PatchSize, place.Col*proc.PatchSize, proc)
				}
				at += per
				out = append(out, img)
			}
		}
	}
	return out
}

// drawPatch writes a patch, channel, frame, row, column, at (y, x).
func drawPatch(img *image.RGBA, patch []float32, y, x int, proc picture.Processor) {
	size := proc.PatchSize
	for c := range 3 {
		plane := patch[c*proc.TemporalPatchSize*size*size:]
		for i := range size {
			for j := range size {
				u := (float64(plane[i*size+j])*proc.Std[c] + proc.Mean[c]) * 255
				at := img.PixOffset(x+j, y+i)
				img.Pix[at+c] = uint8(min(max(u+0.5, 0), 255))
				img.Pix[at+3] = 255
			}
		}
	}
}
