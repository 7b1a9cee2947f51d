package paint

// geometric is a plane cut by a diagonal, with a rectangle. Then: a great circle, triangles, bars, lines, small circles.
func geometric(s *scene) {
	rise := mul(s.r.between(0.35, 0.7), s.r.sign())
	cut := s.r.between(0.55, 0.68)
	s.wash(func(u, v float64, _ tone) tone {
		d := v - mul(cut, s.bottom) + mul(rise, u-s.right/2)
		return s.tone(roleLow, 0.84).blend(s.tone(roleSky, 0.66), s.edge(d))
	})
	s.flow = func(_, _ float64) (float64, float64) { return 1, -rise }
	base := s.spot(mix(s.third, 0.5, 0.3), 0.55, 1)
	s.box(base, 0, 0.06, 0.2, 0.23, s.tone(roleFar, 0.44))

	bars := s.spot(s.other, 0.66, s.group(2))
	for i := range 3 {
		x := mul(0.11, float64(i-1))
		s.box(bars, x, 0, 0.036, 0.2-mul(0.045, float64(i)), s.tone([]int{roleThing, roleAccent, roleOther}[i], 0.3))
	}
	circle := s.spot(s.third, 0.38, s.group(0))
	s.disc(circle, 0, 0, 0.19, s.tone(roleAccent, 0.56))
	s.disc(circle, 0, 0, 0.105, s.tone(roleNear, 0.24))
	three := s.group(1)
	a, b := s.spot(s.other, 0.26, three), s.spot(s.third-0.04, 0.76, three)
	s.poly(a, s.tone(roleThing, 0.22), point{-0.15, 0.12}, point{0, -0.16}, point{0.15, 0.12})
	s.poly(b, s.tone(roleOther, 0.9), point{-0.14, -0.1}, point{0.17, -0.02}, point{-0.04, 0.13})
	lines := s.spot(0.5, 0.5, s.group(3))
	for i := range 4 {
		o := mul(0.07, float64(i)) - 0.1
		s.line(lines, point{-0.42, 0.3 + o}, point{0.42, -0.34 + o}, 0.018, gray(0.08))
	}
	for i := range 6 {
		p := s.spot(0.14+mul(0.145, float64(i)), s.r.between(0.84, 0.93), s.group(4))
		s.disc(p, 0, 0, 0.045, gray(0.08))
		s.disc(p, 0, 0, 0.024, s.tone(roleAccent, 0.85))
	}
}

// colorField is two soft blocks on a ground. Then: a third block, stripes between, upright zips, blocks within the blocks,
// a frame.
func colorField(s *scene) {
	s.wash(func(_, v float64, _ tone) tone {
		return s.tone(roleLow, 0.58).blend(s.tone(roleSky, 0.5), step(v, 0, s.bottom))
	})
	s.flow = func(_, _ float64) (float64, float64) { return 1, 0 }
	first := s.r.between(0.22, 0.26)
	wide := mul(0.36, s.right)
	block := func(fy, hy, hx, alpha float64, t tone) {
		p := s.spot(mix(s.third, 0.5, 0.8), fy, alpha)
		p.soft = 5
		s.box(p, 0, 0, mul(hx, wide), mul(hy, s.bottom), t)
	}
	block(first, 0.125, 1, 1, s.tone(roleFar, 0.78))
	block(first+0.27, 0.1, 1, 1, s.tone(roleNear, 0.32))
	block(first+0.53, 0.11, 1, s.group(0), s.tone(roleAccent, 0.7))
	for i := range 3 {
		fy := []float64{first - 0.165, first + 0.145, first + 0.395}[i]
		block(fy, 0.018, 1.05, s.group(1), gray([]float64{0.14, 0.95, 0.14}[i]))
	}
	block(first, 0.06, 0.55, s.group(3), s.tone(roleThing, 0.42))
	block(first+0.27, 0.05, 0.55, s.group(3), s.tone(roleOther, 0.66))
	block(first+0.53, 0.055, 0.55, s.group(3), s.tone(roleOther, 0.34))
	for i := range 2 {
		zip := s.spot([]float64{0.24, 0.8}[i], 0.5, s.group(2))
		s.box(zip, 0, 0, 0.02, mul(0.5, s.bottom), s.tone(roleAccent, []float64{0.94, 0.16}[i]))
	}
	p := s.spot(0.5, 0.5, s.group(4))
	s.fill(p, 0, 0, 1, func(x, y float64) float64 {
		d := boxDistance(x, y, mul(0.46, s.right), mul(0.46, s.bottom))
		return max(d, -d) - 0.018
	}, flat(gray(0.1)))
}
