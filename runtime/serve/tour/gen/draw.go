package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/serve/tour"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/trace/report"
	"github.com/loupe-vl/loupe/vit"
)

// drawing is a picture of the page, below the step that it belongs to.
type drawing struct {
	Step, File, Caption string
	Command             string // which draws the same; "": none
	png                 []byte
}

// ask begins a command about the page's prompt.
func ask(command string) string {
	return fmt.Sprintf("loupe %s --messages docs/%s/question.json", command, folder)
}

// draw makes the pictures of a tour.
func draw(ctx context.Context, m *loupe.Model, p *loupe.Prompt, steps []tour.Step) ([]drawing, error) {
	style := figure.DefaultStyle()
	style.Side = 224
	var out []drawing
	add := func(d drawing, img *image.RGBA) error {
		var b bytes.Buffer
		coarsen(img)
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img); err != nil {
			return fmt.Errorf("encode %s: %w", d.File, err)
		}
		d.png = b.Bytes()
		out = append(out, d)
		return nil
	}
	attend := func(d drawing, method attribution.Method, o attribution.Options) error {
		found, err := attribution.Compute(ctx, m, p, method, o)
		if err != nil {
			return err
		}
		style := style
		style.Detail = report.Detail(m, p, method, o, false)
		img, err := figure.Attribution(p, m.Processor, found, style)
		if err != nil {
			return err
		}
		return add(d, img)
	}
	for _, s := range steps {
		var err error
		switch s.ID {
		case "patches":
			g, merge := p.Images.Grids[0], m.Processor.MergeSize
			row, col := g[1]/2, g[2]/2
			caption := fmt.Sprintf("The picture as the model sees it, and its grid of %d x %d patches. Thick lines part the squares that the merger will join. The frame is around the patch that we follow.", g[1], g[2])
			err = add(drawing{Step: s.ID, File: "grid.png", Caption: caption}, figure.Ruled(figure.Seen(p, m.Processor)[0], g[1], g[2], merge, row, col, style))
			if err == nil {
				err = add(drawing{Step: s.ID, File: "patch.png", Caption: "The followed patch, read back from its numbers."}, pixels(s.Figure, 8))
			}
		case "head":
			patch := patchAt(p.Images.Grids[0], m.Processor.MergeSize, s.Look.Cell)
			command := fmt.Sprintf("%s --method raw --tower --layers %d --heads %d --patches %d --out head.png", ask("attend"), s.Look.Layer, s.Look.Head, patch)
			err = attend(drawing{s.ID, "head.png", fmt.Sprintf("Where the followed patch looks: head %d of block %d, on the true grid.", s.Look.Head, s.Look.Layer), command, nil}, attribution.Raw,
				attribution.Options{Tower: true, Layers: []int{s.Look.Layer}, Heads: []int{s.Look.Head}, Patches: []int{patch}})
		case "layer":
			command := fmt.Sprintf("%s --method raw --layers %d --out look.png", ask("attend"), s.Look.Layer)
			err = attend(drawing{s.ID, "look.png", fmt.Sprintf("Where the last token of the prompt looks on the picture: the mean of the heads of layer %d.", s.Look.Layer), command, nil}, attribution.Raw,
				attribution.Options{Layers: []int{s.Look.Layer}})
		case "score":
			err = attend(drawing{s.ID, "contribution.png", "The points that each part of the picture adds to the score.", ask("attend") + " --method contribution --out contribution.png", nil}, attribution.Contribution, attribution.Options{})
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// patchAt is the number of the patch in a cell of the grid, line by line, in the order of the model.
func patchAt(g vit.Grid, merge, cell int) int {
	for i, at := range vit.PatchOrder(g, merge) {
		if at.Row*g[2]+at.Col == cell {
			return i
		}
	}
	return -1
}

// pixels draws a figure of pixels, each a square of side x side.
func pixels(f *tour.Figure, side int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, f.Cols*side, f.Rows*side))
	for y := range f.Rows * side {
		for x := range f.Cols * side {
			rgb := f.Values[3*(y/side*f.Cols+x/side):]
			img.SetRGBA(x, y, color.RGBA{uint8(rgb[0]), uint8(rgb[1]), uint8(rgb[2]), 255})
		}
	}
	return img
}

// coarsen keeps sixteen levels of each channel: brush strokes compress badly, and the repository keeps every version of a
// picture.
func coarsen(img *image.RGBA) {
	for i, v := range img.Pix {
		img.Pix[i] = v>>4 | v&0xf0
	}
}
