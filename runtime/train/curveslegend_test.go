package train

import (
	"testing"

	"gonum.org/v1/plot/plotter"
)

// TestLegendIsOffTheLines: a legend stands above the highest point of a panel's lines, and a panel without one wastes no room.
func TestLegendIsOffTheLines(t *testing.T) {
	points := plotter.XYs{{X: 1, Y: 0}, {X: 2, Y: 10}}
	for named, want := range [][2]float64{{10, 10}, {10.99, 11.01}, {11.99, 12.01}} {
		lines := []curve{{points: points}, {points: points}}
		for i := range named {
			lines[i].name = "a line"
		}
		f, err := panel{"loss", lines}.plot()
		if err != nil {
			t.Fatal(err)
		}
		if f.Y.Max < want[0] || f.Y.Max > want[1] {
			t.Errorf("with %d names the panel reaches to %v, want %v", named, f.Y.Max, want)
		}
	}
}
