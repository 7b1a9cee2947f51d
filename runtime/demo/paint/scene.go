package paint

// A scene is a picture while it is painted. Its coordinates are fractions of the shorter side, u to the right and v down
// from the upper left corner of the upright picture; the scene as a whole may be tilted about its middle.
type scene struct {
	w, h          int
	size          float64 // the shorter side in pixels
	right, bottom float64 // the extent of the upright picture
	pix           []tone
	sin, cos      float64 // of the tilt
	pull          float64 // how far things are crowded aside, 0..1
	corner        [2]float64
	third         float64 // where the focus is across, of the width: 1/3 or 2/3
	other         float64 // the third on the other side
	groups        float64 // how many groups of content are shown
	pal           palette
	r             stream
	flow          func(u, v float64) (x, y float64) // the direction of the strokes, of any length
}

func newScene(w, h int, p Params, r stream) *scene {
	s := &scene{w: w, h: h, size: float64(min(w, h)), pix: make([]tone, w*h), r: r}
	s.right, s.bottom = float64(w)/s.size, float64(h)/s.size
	s.sin, s.cos = sin(p.Tilt), cos(p.Tilt)
	s.pull, s.corner = p.Crowding, p.Corner
	s.third = p.Focus[0]
	s.other = 1 - s.third
	s.groups = p.Groups
	s.pal = newPalette(r, p.Hue, p.HueSpread, p.Uneven)
	slant := r.between(-0.5, 0.5)
	s.flow = func(_, _ float64) (float64, float64) { return 1, slant }
	return s
}

// upright ends the tilt: what does not belong to the scene does not tilt with it.
func (s *scene) upright() { s.sin, s.cos = 0, 1 }

// at is the place of a pixel's middle in the scene.
func (s *scene) at(x, y int) (u, v float64) {
	du, dv := (float64(x)+0.5)/s.size-s.right/2, (float64(y)+0.5)/s.size-s.bottom/2
	return s.right/2 + mul(du, s.cos) + mul(dv, s.sin), s.bottom/2 - mul(du, s.sin) + mul(dv, s.cos)
}

// wash paints everything. ink is told what lies below.
func (s *scene) wash(ink func(u, v float64, below tone) tone) {
	for y := range s.h {
		for x := range s.w {
			u, v := s.at(x, y)
			t := &s.pix[y*s.w+x]
			*t = ink(u, v, *t)
		}
	}
}

// edge is how much of a pixel lies below an edge that is d above its middle, 0..1.
func (s *scene) edge(d float64) float64 { return clamp(0.5+mul(s.size, d), 0, 1) }

// tone is a color of the picture's palette.
func (s *scene) tone(role int, y float64) tone { return s.pal.tone(role, y) }

// group is how much of a group of content is to be seen, 0..1.
func (s *scene) group(i int) float64 { return clamp(s.groups-float64(i), 0, 1) }

// A spot is a place with coordinates of its own, for one thing: they are multiplied by scale and start at (u, v).
type spot struct{ u, v, scale, alpha, soft float64 }

// spot is a place at fractions of the width and height of a well composed picture; crowding moves it aside and makes it
// smaller.
func (s *scene) spot(fx, fy, alpha float64) spot {
	fx = mix(fx, s.corner[0], mul(0.68, s.pull))
	fy = mix(fy, s.corner[1], mul(0.12, s.pull))
	return spot{mul(fx, s.right), mul(fy, s.bottom), 1 - mul(0.3, s.pull), alpha, 1}
}

// fixed is a place that crowding leaves where it is.
func (s *scene) fixed(fx, fy, alpha float64) spot {
	return spot{mul(fx, s.right), mul(fy, s.bottom), 1, alpha, 1}
}

// fill paints where dist, the distance from an edge in the spot's coordinates, is negative. Nothing of it lies further than
// reach from (x, y).
func (s *scene) fill(p spot, x, y, reach float64, dist func(x, y float64) float64, ink func(x, y float64) tone) {
	if p.alpha <= 0 {
		return
	}
	// The middle of the thing on the canvas, in pixels.
	du, dv := p.u+mul(x, p.scale)-s.right/2, p.v+mul(y, p.scale)-s.bottom/2
	cx := mul(s.size, s.right/2+mul(du, s.cos)-mul(dv, s.sin))
	cy := mul(s.size, s.bottom/2+mul(du, s.sin)+mul(dv, s.cos))
	px := mul(s.size, p.scale)
	rad := mul(reach, px) + p.soft
	x0, x1 := int(clamp(cx-rad, 0, float64(s.w))), int(clamp(cx+rad+1, 0, float64(s.w)))
	y0, y1 := int(clamp(cy-rad, 0, float64(s.h))), int(clamp(cy+rad+1, 0, float64(s.h)))
	for j := y0; j < y1; j++ {
		for i := x0; i < x1; i++ {
			u, v := s.at(i, j)
			lx, ly := (u-p.u)/p.scale, (v-p.v)/p.scale
			cover := clamp(0.5-mul(dist(lx, ly), px)/p.soft, 0, 1)
			if cover > 0 {
				t := &s.pix[j*s.w+i]
				*t = t.blend(ink(lx, ly), mul(cover, p.alpha))
			}
		}
	}
}
