package jpeg

import (
	"context"
	"fmt"
)

// Samples is a decoded picture before any conversion of colors.
type Samples struct {
	Width, Height, Components int
	Pix                       []byte // the components of each pixel, row by row
}

// DecodeSamples decodes a strip or tile of a TIFF until ctx is done. tables is an abbreviated file with the tables that data
// lacks, or empty. ycc says that the components are YCbCr, which become RGB; else they stay as they are.
func DecodeSamples(ctx context.Context, tables, data []byte, ycc bool, maxPixels int) (*Samples, error) {
	d := &decoder{ctx: ctx, data: tables, maxPixels: maxPixels, tablesOnly: true}
	if len(tables) > 0 {
		if err := d.markers(); err != nil {
			return nil, fmt.Errorf("its JPEG tables: %w", err)
		}
	}
	d.data, d.tablesOnly = data, false
	if err := d.markers(); err != nil {
		return nil, err
	}
	n := len(d.comps)
	out := &Samples{Width: d.width, Height: d.height, Components: n, Pix: make([]byte, n*d.width*d.height)}
	err := d.rows(func(y int, row [][]byte) {
		p := out.Pix[y*n*d.width:]
		for x := range d.width {
			for c := range row {
				p[n*x+c] = row[c][x]
			}
			if ycc && n == 3 {
				p[n*x], p[n*x+1], p[n*x+2] = yccRGB(p[n*x], p[n*x+1], p[n*x+2])
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
