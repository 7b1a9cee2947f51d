package paint

// The shapes of things, in a spot's coordinates: distances from the edge, negative inside, and brushes that fill them.

type point [2]float64

func flat(t tone) func(x, y float64) tone { return func(_, _ float64) tone { return t } }

// disc fills a circle.
func (s *scene) disc(p spot, x, y, r float64, t tone) {
	s.fill(p, x, y, r, func(a, b float64) float64 { return length(a-x, b-y) - r }, flat(t))
}

// ball fills a circle that is lit from the upper left.
func (s *scene) ball(p spot, x, y, r float64, t tone) {
	s.fill(p, x, y, r, func(a, b float64) float64 { return length(a-x, b-y) - r }, func(a, b float64) tone {
		return t.lit(t.y + 0.14 - mul(0.3, length(a-x+r/3, b-y+r/3)/r))
	})
}

// ovalDistance is close to the distance from an ellipse, near enough at its edge.
func ovalDistance(x, y, rx, ry float64) float64 {
	return mul(length(x/rx, y/ry)-1, min(rx, ry))
}

// oval fills an ellipse.
func (s *scene) oval(p spot, x, y, rx, ry float64, t tone) {
	s.fill(p, x, y, max(rx, ry), func(a, b float64) float64 { return ovalDistance(a-x, b-y, rx, ry) }, flat(t))
}

// boxDistance is the distance from an upright box of half width hx and half height hy.
func boxDistance(x, y, hx, hy float64) float64 { return max(max(x, -x)-hx, max(y, -y)-hy) }

// box fills an upright box of half width hx and half height hy.
func (s *scene) box(p spot, x, y, hx, hy float64, t tone) {
	s.fill(p, x, y, length(hx, hy), func(a, b float64) float64 { return boxDistance(a-x, b-y, hx, hy) }, flat(t))
}

// lineDistance is the distance from the segment a-b.
func lineDistance(x, y float64, a, b point) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	t := clamp((mul(x-a[0], dx)+mul(y-a[1], dy))/(mul(dx, dx)+mul(dy, dy)), 0, 1)
	return length(x-a[0]-mul(t, dx), y-a[1]-mul(t, dy))
}

// line draws a segment with round ends.
func (s *scene) line(p spot, a, b point, width float64, t tone) {
	mx, my := (a[0]+b[0])/2, (a[1]+b[1])/2
	s.fill(p, mx, my, length(b[0]-mx, b[1]-my)+width, func(x, y float64) float64 { return lineDistance(x, y, a, b) - width/2 }, flat(t))
}

// polyDistance is close to the distance from a convex polygon whose corners run clockwise on the canvas.
func polyDistance(x, y float64, corners []point) float64 {
	d := -1e9
	for i, a := range corners {
		b := corners[(i+1)%len(corners)]
		ex, ey := b[0]-a[0], b[1]-a[1]
		d = max(d, (mul(x-a[0], ey)-mul(y-a[1], ex))/length(ex, ey))
	}
	return d
}

// poly fills a convex polygon whose corners run clockwise on the canvas.
func (s *scene) poly(p spot, t tone, corners ...point) {
	var x, y, reach float64
	for _, c := range corners {
		x += c[0] / float64(len(corners))
		y += c[1] / float64(len(corners))
	}
	for _, c := range corners {
		reach = max(reach, length(c[0]-x, c[1]-y))
	}
	s.fill(p, x, y, reach, func(a, b float64) float64 { return polyDistance(a, b, corners) }, flat(t))
}

// arc draws the part of a circle's edge above (up = -1) or below (up = 1) its middle.
func (s *scene) arc(p spot, x, y, r, width, up float64, t tone) {
	s.fill(p, x, y, r+width, func(a, b float64) float64 {
		d := length(a-x, b-y) - r
		return max(max(d, -d)-width/2, -mul(up, b-y))
	}, flat(t))
}
