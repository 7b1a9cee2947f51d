package paint

// landscape is hills below a sky. Then: the sun, trees, a house, clouds and a path, birds and a fence.
func landscape(s *scene) {
	horizon := s.r.between(0.48, 0.58)
	p1, p2, p3 := s.r.between(0, 6), s.r.between(0, 6), s.r.between(0, 6)
	far := func(u float64) float64 {
		return mul(s.bottom, horizon) - 0.05 - mul(0.09, sin(mul(4.1, u)+p1)) - mul(0.03, sin(mul(9, u)+p2))
	}
	near := func(u float64) float64 { return mul(s.bottom, horizon+0.16) + mul(0.06, sin(mul(3.2, u)+p3)) }
	s.flow = func(u, v float64) (float64, float64) { return 1, mul(0.45, cos(mul(4.1, u)+p1)) }

	s.sky(horizon, 0.68, 0.82)
	landscapeSky(s)
	s.wash(func(u, v float64, below tone) tone { // the ground hides what stands behind it
		hill := s.tone(roleFar, 0.56-mul(0.14, step(v-far(u), 0, 0.25)))
		meadow := s.tone(roleNear, 0.46-mul(0.16, step(v-near(u), 0, 0.35)))
		return below.blend(hill, s.edge(v-far(u))).blend(meadow, s.edge(v-near(u)))
	})

	landscapePath(s, horizon)
	house := s.spot(s.third, horizon+0.2, s.group(2))
	s.box(house, 0, 0, 0.1, 0.075, s.tone(roleThing, 0.86))
	s.poly(house, s.tone(roleAccent, 0.36), point{-0.13, -0.07}, point{0, -0.18}, point{0.13, -0.07})
	s.box(house, -0.045, 0.01, 0.022, 0.026, gray(0.2))
	s.box(house, 0.045, 0.028, 0.024, 0.047, s.tone(roleAccent, 0.24))

	for i := range 4 {
		x := []float64{s.other, s.other + 0.14, s.other - 0.15, s.third - 0.24}[i]
		tree := s.spot(x, horizon+0.2+s.r.between(-0.03, 0.09), s.group(1))
		s.box(tree, 0, 0.02, 0.012, 0.06, s.tone(roleOther, 0.16))
		tall := s.r.between(0.9, 1.25)
		s.oval(tree, 0, -mul(0.1, tall), 0.062, mul(0.1, tall), s.tone(roleOther, 0.24))
		s.oval(tree, -0.015, -mul(0.125, tall), 0.035, mul(0.055, tall), s.tone(roleOther, 0.38))
	}
	landscapeFlourish(s)
}

func landscapeSky(s *scene) {
	sun := s.spot(s.third, 0.22, s.group(0))
	sun.soft = 8
	s.disc(sun, 0, 0, 0.15, s.tone(roleAccent, 0.85))
	sun.soft = 1
	s.disc(sun, 0, 0, 0.105, s.tone(roleAccent, 0.93))
	for i := range 2 {
		c := s.spot([]float64{s.other, 0.5}[i], []float64{0.14, 0.3}[i]+s.r.between(-0.02, 0.02), s.group(3))
		for j := range 3 {
			s.oval(c, mul(0.07, float64(j-1)), mul(0.02, float64(j&1))-0.01, 0.075, 0.036, gray(0.97))
		}
	}
}

func landscapePath(s *scene, horizon float64) {
	path := s.spot(0.5, 1, s.group(3))
	for i := range 9 {
		t := float64(i) / 8
		y := -mul(mul(1-horizon-0.2, s.bottom), t)
		s.oval(path, mul(0.12, sin(mul(5, t))), y, mix(0.13, 0.025, t), 0.045, s.tone(roleLow, 0.74))
	}
}

func landscapeFlourish(s *scene) {
	for i := range 5 {
		b := s.spot(0.5+mul(0.085, float64(i-2)), 0.2+mul(0.05, float64(i&1))+s.r.between(-0.02, 0.02), s.group(4))
		s.line(b, point{-0.045, -0.03}, point{0, 0}, 0.018, gray(0.1))
		s.line(b, point{0.045, -0.03}, point{0, 0}, 0.018, gray(0.1))
	}
	fence := s.spot(s.other, 0.9, s.group(4))
	s.line(fence, point{-0.25, -0.03}, point{0.25, -0.03}, 0.02, gray(0.93))
	for i := range 5 {
		s.box(fence, mul(0.11, float64(i-2)), 0, 0.013, 0.07, gray(0.93))
	}
}

// sky goes from one tone at the top to another at the horizon, a fraction of the height.
func (s *scene) sky(horizon, high, low float64) {
	s.wash(func(_, v float64, _ tone) tone {
		return s.tone(roleSky, high).blend(s.tone(roleLow, low), step(v/mul(s.bottom, horizon), 0.1, 1))
	})
}
