package figure

import (
	"fmt"
	"image"
	"image/color"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
	"github.com/loupe-vl/loupe/vit/picture"
)

// Components draws the first three principal components of a picture's rows as red, green and blue, each from its least
// coordinate (0) to its largest (255). Rows of similar color are similar.
func Components(p *loupe.Prompt, proc picture.Processor, pca *lens.PCA, style Style) (*image.RGBA, error) {
	var channels [3]*attribution.Map
	var scales [3]Scale
	for k := range channels {
		values := make([]float64, len(pca.Rows))
		for i, row := range pca.Rows {
			values[i] = row[k]
		}
		m, err := attribution.Place(p, proc.MergeSize, values)
		if err != nil {
			return nil, fmt.Errorf("draw components of %s: %w", pca.Tap, err)
		}
		channels[k], scales[k] = m, ScaleOf(values)
	}
	seen := Seen(p, proc)
	wide, high := 420, 0
	for _, s := range seen {
		b := enlarge(s, zoom(s.Bounds(), style.Side)).Bounds()
		wide, high = max(wide, 2*b.Dx()+gap), high+b.Dy()+gap
	}
	title := "principal components of " + pca.Tap
	c := newCanvas(wide+2*margin, headingHeight(title, style, wide)+high+lineHeight+margin)
	y := c.heading(title, style, wide)
	for i, s := range seen {
		under := enlarge(s, zoom(s.Bounds(), style.Side))
		b := under.Bounds()
		c.put(under, margin, y)
		over := image.NewRGBA(b)
		panel := channels[0].Panels[i]
		for py := range b.Dy() {
			for px := range b.Dx() {
				at := py*panel.Rows/b.Dy()*panel.Cols + px*panel.Cols/b.Dx()
				part := func(k int) uint8 { return uint8(scales[k].Part(channels[k].Panels[i].Values[at])*255 + 0.5) }
				over.SetRGBA(px, py, color.RGBA{part(0), part(1), part(2), 255})
			}
		}
		c.put(over, margin+b.Dx()+gap, y)
		y += b.Dy() + gap
	}
	text := fmt.Sprintf("red, green, blue: components 1 to 3, with %.1f %%, %.1f %% and %.1f %% of the variance", 100*pca.Share[0], 100*pca.Share[1], 100*pca.Share[2])
	c.write(fit(text, smallSize, wide), margin, y+10, smallSize, faint)
	return c.img, nil
}
