package paint

import "math"

// motifs paints n unexpected things in black and white, each on a disc: as many as n is whole, and one more that is smaller. Black and white
// are no palette's, whatever its hues.
func (s *scene) motifs(n float64, r stream) {
	// One place in each of six parts of the canvas above the onlookers, in any order; a motif stays well within its part.
	order := [6]int{0, 1, 2, 3, 4, 5}
	for i := range order {
		j := i + r.pick(len(order)-i)
		order[i], order[j] = order[j], order[i]
	}
	s.upright()
	kinds := [...]func(p spot){s.checkers, s.spiral, s.eye, s.stairs, s.door}
	first := r.pick(len(kinds))
	for i := 0; float64(i) < n && i < 5; i++ {
		col, row := float64(order[i]%3), float64(order[i]/3)
		if s.h > s.w {
			col, row = row, col
		}
		cols, rows := 3.0, 2.0
		if s.h > s.w {
			cols, rows = 2, 3
		}
		grown := grown(n, i)
		p := s.fixed((col+0.5+r.between(-0.12, 0.12))/cols, mul(0.82, row+0.5+r.between(-0.12, 0.12))/rows, 1)
		p.scale = mul(0.135, grown)
		s.disc(p, 0, 0, 1, gray(white))
		s.disc(p, 0, 0, 0.9, gray(black))
		p.scale = mul(0.085, grown)
		kinds[(first+i)%len(kinds)](p)
	}
}

// grown is the size of thing i of n, as a part of a whole one's: that of the last has the area of the fraction.
func grown(n float64, i int) float64 { return math.Sqrt(clamp(n-float64(i), 0, 1)) }

const black, white = 0.02, 0.98

// checkers is a sun of squares.
func (s *scene) checkers(p spot) {
	s.fill(p, 0, 0, 1, func(x, y float64) float64 { return length(x, y) - 1 }, func(x, y float64) tone {
		if (int(math.Floor(mul(x, 1.6)+8))+int(math.Floor(mul(y, 1.6)+8)))%2 == 0 {
			return gray(white)
		}
		return gray(black)
	})
}

// spiral is a disc with an arm that winds outward in half circles.
func (s *scene) spiral(p spot) {
	s.disc(p, 0, 0, 1, gray(white))
	for i := range 4 {
		up := float64(1 - 2*(i%2))
		s.arc(p, mul(up, 0.11), 0, 0.17+mul(0.22, float64(i)), 0.2, up, gray(black))
	}
}

// eye looks at the viewer.
func (s *scene) eye(p spot) {
	lens := func(x, y float64) float64 { return max(length(x, y-0.62)-1.25, length(x, y+0.62)-1.25) }
	s.fill(p, 0, 0, 1.3, lens, flat(gray(black)))
	s.fill(p, 0, 0, 1.2, func(x, y float64) float64 { return lens(x, y) + 0.14 }, flat(gray(white)))
	s.disc(p, 0, 0, 0.46, gray(black))
	s.disc(p, -0.14, -0.14, 0.15, gray(white))
}

// stairs lead nowhere.
func (s *scene) stairs(p spot) {
	for i := range 4 {
		x, top := -0.75+mul(0.5, float64(i)), 0.55-mul(0.5, float64(i))
		s.box(p, x, (top+1)/2, 0.27, (1-top)/2+0.04, gray(black))
		s.box(p, x, top-0.06, 0.27, 0.12, gray(white))
	}
}

// door stands open in the air.
func (s *scene) door(p spot) {
	s.box(p, 0, 0, 0.72, 1.1, gray(white))
	s.box(p, 0, 0.08, 0.5, 1.02, gray(black))
	s.poly(p, gray(white), point{0.05, -0.75}, point{0.5, -0.94}, point{0.5, 1.1}, point{0.05, 0.85})
	s.disc(p, 0.17, 0.1, 0.09, gray(black))
}
